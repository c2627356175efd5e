"""Every decision, and nothing else: no clock, file, socket, thread, logger or randomness.

Time is an argument everywhere.
What should be done leaves as a decision, what was done comes back as an event.
"""
