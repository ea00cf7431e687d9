"""Encoders: their shape, which axis each tensor carries, and how to slice one without touching the other."""
