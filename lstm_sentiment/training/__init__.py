"""A corpus in, a trained model and its scores out."""
