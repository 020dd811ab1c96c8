"""SavedModel versions in, answers out; knows nothing of the rooms above."""
