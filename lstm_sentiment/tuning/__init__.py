"""Searches for the settings with the lowest dev loss."""
