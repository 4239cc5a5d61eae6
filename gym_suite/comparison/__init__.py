"""Experiments as data, rollouts, metrics, statistics and the report."""
