"""Reports on exported versions, and pages that explain single answers."""
