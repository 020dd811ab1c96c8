"""HTTP/1.1 connections: uvicorn's protocols, with limits on what a client may send and when."""
