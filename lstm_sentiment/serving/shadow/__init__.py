"""Asks a shadow version what another version answered, unseen by callers."""
