"""Decides which runs start and stop, and when to look again."""
