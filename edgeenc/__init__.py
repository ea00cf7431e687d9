"""From a language code to a small, verified, measured text encoder."""

__version__ = "0.1.0"
