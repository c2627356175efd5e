"""What happened: of all tasks, of one, and as of an earlier instant."""
