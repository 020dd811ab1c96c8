"""Batches the requests of several callers."""
