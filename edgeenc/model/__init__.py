"""Encoders: their shape, which axis each tensor carries, and how to cut one without touching the other."""
