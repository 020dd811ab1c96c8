"""Scores folders of texts, each file into an output of its own."""
