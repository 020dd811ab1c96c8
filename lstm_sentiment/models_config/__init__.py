"""The `models.config`: read, checked, and changed with its comments and layout kept."""
