"""The notebooks: marimo programs, opened by ``gym-suite lab NAME``."""
