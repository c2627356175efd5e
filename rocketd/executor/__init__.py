"""Carries decisions out: turns them into processes, and what becomes of those into events."""
