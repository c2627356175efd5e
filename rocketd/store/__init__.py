"""What has happened, kept: run records, and what belongs to the tasks beside them.

`store` has the SQLite store, `forwarding` the one whose records go to a Red Bird repository as well, `lock` the lock on
the state directory. Only what deals with a repository needs Red Bird: `store` and the lock do without.
"""
