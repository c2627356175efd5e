"""Looks at what conditions ask about: paths, units of systemd, the load, commands, the environment."""
