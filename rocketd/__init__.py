"""rocketd: a task scheduler for Linux hosts that decides by conditions instead of fixed times."""

__version__ = "0.1.0"
