"""Who answers rocketctl: the daemon, or the files on disk."""
