"""Word vectors: reading and writing files, training on texts."""
