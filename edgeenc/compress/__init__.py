"""Compression stages: each file a plain function for a notebook, and beside it the typed spec a recipe names."""
