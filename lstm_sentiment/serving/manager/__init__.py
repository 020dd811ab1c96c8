"""Loads and unloads versions."""
