"""Renders the page on which people go through texts and their labels."""
