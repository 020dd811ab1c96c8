"""Labelled texts: read, freed of duplicates, dealt out."""
