"""Stands in for a package of tensorflow-text."""
