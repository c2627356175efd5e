"""Counted nouns in sentences: `1 task`, `2 tasks`."""


def counted(count: int, noun: str, plural: str = "") -> str:
    """Return the number with its noun; `plural` is for nouns that take more than an s."""
    return f"{count} {noun if count == 1 else plural or noun + 's'}"
