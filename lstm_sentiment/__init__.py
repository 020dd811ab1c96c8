"""Labelled texts in, a sentiment classifier that answers over the wire out."""

__version__ = "0.1.0"
