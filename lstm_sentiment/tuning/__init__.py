"""Hyperparameter search for the lowest dev loss."""
