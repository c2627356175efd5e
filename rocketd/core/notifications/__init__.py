"""What people are told about runs, and when."""
