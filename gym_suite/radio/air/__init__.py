"""What is in the air: the waveforms that are sent, what arrives, and what a detector makes of it."""
