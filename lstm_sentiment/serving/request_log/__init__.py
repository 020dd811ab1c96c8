"""The request log: answered requests, sampled and written to files in the background."""
