"""Training on a GPU, beside a CPU."""
