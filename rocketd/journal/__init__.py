"""Where messages go: journald, the console, Python's loggers."""
