"""A teacher that needs no other tool: a sentence encoder and a regression on its embeddings."""
