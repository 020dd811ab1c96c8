"""Clients of a model server, this package's or stock TensorFlow Serving: gRPC and REST."""
