"""Schedules as other schedulers and people write them, and the conditions that do the same."""
