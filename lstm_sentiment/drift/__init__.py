"""Drift: do live texts still look like those of training? Needs NumPy alone."""
