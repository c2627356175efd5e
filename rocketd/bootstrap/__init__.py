"""Puts the daemon together: the only place that names every concrete class."""
