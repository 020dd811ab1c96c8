"""Labelled texts: reading, removing duplicates, splitting."""
