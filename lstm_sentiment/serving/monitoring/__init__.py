"""What is counted, logged and shown of a server."""
