"""Which version answers: policies, labels, canaries, and moving them."""
