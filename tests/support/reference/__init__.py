"""The scheduler once more, in other words: slow, plain, and written to be compared with."""
