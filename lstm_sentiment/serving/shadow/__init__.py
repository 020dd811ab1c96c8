"""Has a second version answer what a first one answered, unseen by callers."""
