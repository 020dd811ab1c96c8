"""Training on more text than memory should hold, and scoring a million texts."""
