"""Training with Stable-Baselines3, and learned policies that run in NumPy."""
