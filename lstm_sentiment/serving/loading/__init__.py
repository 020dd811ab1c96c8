"""Loading of versions: the options, the choice of an engine, the manager."""
