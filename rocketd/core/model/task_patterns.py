"""Several tasks at once in a condition: by a glob of their names, or by a tag.

db-*        tasks whose names match, as in fnmatch(3): * ? [abc]
tag:db      tasks that have the tag; globs are allowed here as well
!db-test*   beside others: but not these
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from rocketd.core.errors import ConditionError

_TAG: Final = "tag:"
_BUT: Final = "!"
_PIECE: Final = re.compile(r"(?P<any>\?)|\[(?P<not>!?)(?P<set>[\w.-]+)\]|.", re.DOTALL)
_SIGNS: Final = "*?["
_LONGEST: Final = 256


@lru_cache(maxsize=10_000)
def is_pattern(name: str) -> bool:
    """Whether that names tasks by a glob or a tag, or leaves some out; no task has such a name."""
    return name.startswith((_TAG, _BUT)) or any(sign in name for sign in _SIGNS)


def refuse_pattern(names: Sequence[str], instead: str) -> None:
    """Refuse patterns where one task is meant; raises ConditionError."""
    for name in filter(is_pattern, names):
        raise ConditionError(f"{name} may name several tasks: is one of them meant, or all?", hint=instead, about=name)


def check_patterns(names: Sequence[str]) -> None:
    """Refuse names that leave tasks out and name none, and a tag without a name; raises ConditionError."""
    for name in names:
        if name.removeprefix(_BUT) in ("", _TAG):
            hint = 'as in "backup", "db-*" or "tag:db"'
            raise ConditionError("the name of a task or a tag is missing", hint=hint, about=name)
        if is_pattern(name) and len(name) > _LONGEST:
            raise ConditionError(f"a pattern is no longer than {_LONGEST} characters", about=name)
        try:
            _glob(name)
        except re.error:
            message = f"{name} has a set of characters that is none"
            raise ConditionError(message, hint="write it as in db-[a-c]", about=name) from None
    if names and all(name.startswith(_BUT) for name in names):
        raise ConditionError(
            f"{names[0]} leaves tasks out, and names none", hint=f"write '*', '{names[0]}'", about=names[0]
        )


class TaskPattern(NamedTuple):
    """One of the names, compiled."""

    matches: Callable[[str], object]
    of_tags: bool
    leaves_out: bool

    @classmethod
    def of(cls, written: str) -> TaskPattern:
        """Compile a name."""
        leaves_out = written.startswith(_BUT)
        text = written.removeprefix(_BUT)
        of_tags = text.startswith(_TAG)
        return cls(_glob(text.removeprefix(_TAG)), of_tags, leaves_out)

    def matching(self, name: str, tags: Collection[str]) -> list[str]:
        """Return by which of its tags it matches a task, or by its name, which is the empty text; empty: not at all."""
        if self.of_tags:
            return [tag for tag in tags if self.matches(tag)]
        return [""] if self.matches(name) else []


@lru_cache(maxsize=1_000)
def _glob(pattern: str) -> Callable[[str], object]:
    """Compile a glob of fnmatch(3). What a star has passed is not gone back into, so the time is that of the text."""
    first, *rest = re.split(r"\*+", pattern)
    parts = [_literal(first), *(rf"(?>.*?{_literal(part)})" for part in rest[:-1])]
    end = rf".*{_literal(rest[-1])}" if rest else ""
    return re.compile("".join([*parts, end]), re.DOTALL).fullmatch


def _literal(part: str) -> str:
    """Return the expression of a part without stars: `?` is any character, `[abc]` and `[!abc]` one of a set."""
    return "".join(_piece(found) for found in _PIECE.finditer(part))


def _piece(found: re.Match[str]) -> str:
    if found["any"]:
        return "."
    if found["set"] is None:
        return re.escape(found[0])
    return f"[{'^' if found['not'] else ''}{found['set']}]"
