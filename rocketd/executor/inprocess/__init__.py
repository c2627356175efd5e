"""Runs as calls inside a Python program."""
