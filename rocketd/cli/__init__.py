"""The two command lines: `rocketd` is the daemon's, `rocketctl` the administrator's."""
