"""Kills commands at each of their file operations, and refuses each operation."""
