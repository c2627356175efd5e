"""The loop and what it stands on: ports, not adapters."""
