"""Bands with several agents: sharing, and the game of a transmitter against jammers."""
