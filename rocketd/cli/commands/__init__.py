"""The commands of rocketctl."""
