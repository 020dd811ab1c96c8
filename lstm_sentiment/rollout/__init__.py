"""Version policies, labels and shadows: which version answers, and how that is changed."""
