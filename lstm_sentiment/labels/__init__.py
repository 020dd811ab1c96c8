"""The data loop: labels that are likely wrong, and the texts to label next."""
