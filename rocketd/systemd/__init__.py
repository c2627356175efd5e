"""Notifications to systemd."""
