"""The tokenizers of versions without TensorFlow: raw texts in, token ids out."""
