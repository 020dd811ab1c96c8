"""Several processes that serve as one: they share the ports, and a parent watches over them."""
