"""Explains why a task runs, or does not."""
