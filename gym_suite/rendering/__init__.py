"""Frames, strip charts, windows and recordings; nothing here knows a family."""
