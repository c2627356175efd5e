"""What is logged: the messages about runs and about the daemon."""
