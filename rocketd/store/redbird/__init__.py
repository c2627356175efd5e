"""Run records in repositories of Red Bird."""
