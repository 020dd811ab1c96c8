"""What can be asked of an exported version, without a server."""
