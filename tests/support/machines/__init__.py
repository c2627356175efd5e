"""Booted Debian machines with rocketd installed, and what an administrator does there."""
