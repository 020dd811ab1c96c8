"""HTTP/1.1 connections: plain requests at once, all others by h11."""
