"""Several hosts with one history: each sends its records to a PostgreSQL database that they share, and shows all.

Nothing is decided by what is in there: each host runs its own tasks by its own store, and waits for no database.
psycopg is imported when a connection is opened, so that a host without `[fleet]` needs none.
"""
