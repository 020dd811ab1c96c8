"""Loads, compares, scores with, inspects and verifies exported versions without a server."""
