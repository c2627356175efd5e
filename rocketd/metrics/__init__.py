"""Metrics for Prometheus: what they are called, and how they get there."""
