"""Texts in, batches of token ids out."""
