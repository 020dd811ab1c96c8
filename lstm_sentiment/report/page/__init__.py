"""Renders the page of a report and writes the page and its figures."""
