"""Runs as processes of this host."""
