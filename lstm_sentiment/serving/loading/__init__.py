"""How the versions of a server are loaded: options, the engine of each version, the manager."""
