"""Word vectors: files of them, and training them on texts."""
