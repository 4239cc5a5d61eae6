"""Control laws of electric drives: current control, operating points, field-oriented control."""
