"""Shared machinery: compiled kernels, random numbers, the family contract and the environments."""
