"""Who may ask: addresses, TLS, tokens."""
