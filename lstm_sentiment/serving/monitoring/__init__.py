"""Metrics, state page and access log of a server."""
