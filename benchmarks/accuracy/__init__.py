"""How right the classifier is on real reviews: baselines, settings, transfer."""
