"""The daemon's loop and its ports; the adapters are elsewhere."""
