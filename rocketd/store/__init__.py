"""The store: run records, and the state of each task.

`sqlite` is the store itself, `replication` copies its records to a Red Bird repository, `redbird` is all that knows Red
Bird; `state_lock` locks the state directory. Only `redbird` and `replication` need Red Bird.
"""
