"""Attacks on the model server, each a bounded run on loopback, with what it cost the server."""
