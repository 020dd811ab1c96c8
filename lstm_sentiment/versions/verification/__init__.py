"""Verifies that a version still answers what training computed, over each transport."""
