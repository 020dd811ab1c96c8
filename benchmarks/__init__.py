"""Measurements, not tests: each module prints one JSON object a line."""
