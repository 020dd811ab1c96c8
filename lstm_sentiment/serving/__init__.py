"""Serves versions: loads them and answers requests; imports no training code."""
