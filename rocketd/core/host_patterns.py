"""Which hosts a task is for: `["web*", "@eu", "!web9"]`.

A pattern is a name in which `*` stands for any characters and `?` for one, or `@` and a tag; with `!` in front it
excludes. A host is selected if a pattern matches it and none excludes it; if all patterns exclude, every other host is.
"""

from collections.abc import Collection, Sequence


def is_selected(patterns: Sequence[str], host: str, tags: Collection[str]) -> bool:
    """Whether these patterns select the host of that name, which has these tags; no patterns select every host."""
    excluded = [pattern[1:] for pattern in patterns if pattern.startswith("!")]
    included = [pattern for pattern in patterns if not pattern.startswith("!")]
    if any(_matches(pattern, host, tags) for pattern in excluded):
        return False
    return not included or any(_matches(pattern, host, tags) for pattern in included)


def _matches(pattern: str, host: str, tags: Collection[str]) -> bool:
    if pattern.startswith("@"):
        return pattern[1:] in tags
    return _glob(pattern.lower(), host.lower())  # names of hosts know no case (RFC 4343)


def _glob(pattern: str, name: str) -> bool:
    """Match without a regular expression: the time is the product of the lengths at most, whatever is written."""
    at, star, resume = 0, -1, 0
    place = 0
    while at < len(name):
        if place < len(pattern) and pattern[place] == "*":
            star, resume = place, at
            place += 1
        elif place < len(pattern) and pattern[place] in ("?", name[at]):
            place, at = place + 1, at + 1
        elif star >= 0:
            resume += 1
            place, at = star + 1, resume
        else:
            return False
    return not pattern[place:].strip("*")
