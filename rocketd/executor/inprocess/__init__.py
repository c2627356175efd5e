"""Runs tasks as calls inside a Python program."""
