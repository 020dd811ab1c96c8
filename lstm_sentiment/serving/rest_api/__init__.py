"""TensorFlow Serving's REST API, and the page for people."""
