"""Command lines drawn from the declared flags and settings, and what came of each."""
