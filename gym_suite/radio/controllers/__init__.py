"""Controllers of the family."""
