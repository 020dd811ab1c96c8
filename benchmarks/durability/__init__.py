"""What commands leave when they are killed at any file operation, and on a full disk."""
