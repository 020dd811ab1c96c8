"""Answers requests, whatever transport they came by."""
