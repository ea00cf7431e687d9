"""Make a small, fast, verified model of one language out of a multilingual encoder."""

__version__ = "0.1.0"
