"""One version folder in, a servable that answers out."""
