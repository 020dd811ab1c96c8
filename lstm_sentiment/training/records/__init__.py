"""The files that a training run keeps: checkpoint, history, TensorBoard log."""
