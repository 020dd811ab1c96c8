"""Benchmarks of the data loop: labels, request logs and drift."""
