"""Draws the figures of a report with Matplotlib, as SVG for the page and as PNG files."""
