"""Mail about runs: what is written, and how it gets to the mail server."""
