"""Task files to tasks and problems: which files count, what is written in them, and what is wrong with it.

A bad task file is data, not an exception: loading gives tasks *and* problems, and one bad file never takes the others
down.
"""
