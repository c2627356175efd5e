"""The conditions that words stand for."""
