"""Answers requests, whatever transport they come by."""
