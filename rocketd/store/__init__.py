"""What has happened, kept: run records, and what belongs to the tasks beside them.

`store` has the SQLite store, `repo_store` the one whose records go to another Red Bird repository, `lock` the lock on
the state directory. Of all modules here only `redbird_import`, `models`, `run_repo` and `repo_store` need Red Bird.
"""
