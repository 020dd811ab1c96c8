"""The light twin of a version: files from which it answers without TensorFlow."""
