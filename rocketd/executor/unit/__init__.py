"""Runs as transient service units: systemd carries them out, and they outlive the daemon."""
