"""Decides which versions to serve: from base paths, the config, and each new config."""
