"""Brings versions into service and takes them out of it."""
