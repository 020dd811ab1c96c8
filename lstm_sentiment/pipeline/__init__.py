"""Labelled texts in, an exported version out, in one call."""
