"""Logits in, scores and calibration out."""
