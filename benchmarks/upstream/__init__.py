"""TensorFlow Serving's own end-to-end tests, run against this package's server."""
