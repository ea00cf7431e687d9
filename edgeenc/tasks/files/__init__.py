"""A data file as it lies on the disk: its name, its bytes, its text, and how a message names a place in it."""
