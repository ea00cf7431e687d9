"""Compression stages: plain functions for a notebook; the specs that a recipe names are in `stages`."""
