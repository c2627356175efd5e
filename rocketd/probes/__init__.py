"""Observes what conditions ask about: paths, systemd units, the load, commands, the environment."""
