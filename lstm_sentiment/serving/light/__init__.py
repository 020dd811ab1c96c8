"""The light engine: versions that answer without TensorFlow."""
