"""Servers on loopback: mail, HTTP, and a file server that never answers."""
