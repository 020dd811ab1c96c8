"""How fast a trained classifier answers, beside other engines."""
