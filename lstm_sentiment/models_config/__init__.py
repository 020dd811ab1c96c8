"""The `models.config`: reads, checks and changes it, keeping comments and layout."""
