"""Runs tasks as processes of this host."""
