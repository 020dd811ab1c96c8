"""Addresses to listen on, TLS, bearer tokens."""
