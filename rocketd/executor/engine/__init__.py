"""Hands runs off to engines: other schedulers, which carry them out as jobs."""
