"""Measures the light engine beside an older commit that needs TensorFlow."""
