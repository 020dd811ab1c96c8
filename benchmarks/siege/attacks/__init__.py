"""One attack a module; each defines `ATTACK`, and is found by that."""
