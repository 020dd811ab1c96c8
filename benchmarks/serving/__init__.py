"""Measures the model server beside a plain app, an older commit, and TensorFlow Serving."""
