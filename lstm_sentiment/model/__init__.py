"""The classifier: token ids in, logits out."""
