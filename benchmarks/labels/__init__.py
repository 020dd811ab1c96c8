"""What the loop of data costs and brings: labels, request logs and drift."""
