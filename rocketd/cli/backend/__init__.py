"""The sources of rocketctl's answers: the daemon, or the files on disk."""
