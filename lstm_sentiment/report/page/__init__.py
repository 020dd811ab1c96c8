"""Renders the page of a report and writes it with its figures."""
