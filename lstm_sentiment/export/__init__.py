"""A trained model in, a SavedModel version out."""
