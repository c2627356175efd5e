"""Stand-ins for the real thing: each passes the contract suite, or is a few lines behind a real socket."""
