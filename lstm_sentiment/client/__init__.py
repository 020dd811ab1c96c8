"""Asks a model server over gRPC: ours or stock TensorFlow Serving."""
