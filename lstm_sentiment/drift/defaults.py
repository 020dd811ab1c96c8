"""Defaults of the test for drift, known without NumPy."""

ALPHA = 0.01
"""Largest probability of ever raising a false alarm."""

TOLERANCE = 0.02
"""Largest difference of a share of texts that is no drift."""
