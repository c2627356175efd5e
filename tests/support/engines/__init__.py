"""Stand-ins for engines that runs are handed off to."""
