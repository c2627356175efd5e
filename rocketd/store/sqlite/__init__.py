"""The run log in SQLite."""
