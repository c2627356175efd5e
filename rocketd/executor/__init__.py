"""Executes decisions: starts and stops processes, and reports what happens to them as events."""
