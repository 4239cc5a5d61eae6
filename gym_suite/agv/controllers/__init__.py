"""Controllers of the family: path following, dynamic window, MPPI, docking, reciprocal avoidance."""
