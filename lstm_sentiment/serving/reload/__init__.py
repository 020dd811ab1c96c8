"""Which versions a server should hold: base paths, the config, the next config."""
