"""JSON as TensorFlow Serving's parser reads and writes it, RapidJSON 1.1.0."""
