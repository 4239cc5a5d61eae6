"""Electric drives."""
