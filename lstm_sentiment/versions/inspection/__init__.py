"""Tells what a version is, from its files alone."""
