"""The Python library: one's own application around the scheduler, loop, store and executors of the daemon."""
