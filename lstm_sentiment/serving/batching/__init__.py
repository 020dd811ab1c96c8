"""Answers requests of several callers by one call of a model."""
