"""Scores folders of texts with an exported version, on one machine or on a Ray cluster."""
