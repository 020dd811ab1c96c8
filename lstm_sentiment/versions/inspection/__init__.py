"""Reads the files of a version: signatures, ops, sizes, and requests to paste."""
