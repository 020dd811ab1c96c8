"""How training grows with replicas, workers and machines."""
