"""The explanation of a condition at one moment, part by part, and its drawing.

It imports nothing of the language, so that a program that only draws the daemon's answer starts fast.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from rocketd.core.instant import BEGINNING, FOREVER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rocketd.core.instant import Instant

MARKS: Final[dict[bool | None, str]] = {True: "✓", False: "✗", None: "?"}
"""Holds, does not hold, unknown."""


class ExplanationPart(NamedTuple):
    """One part of a condition: its normal form, its verdict, and the reason."""

    condition: str
    holds: bool | None
    """None: unknown."""
    since: Instant
    until: Instant
    because: str
    parts: tuple[ExplanationPart, ...] = ()


class Line(NamedTuple):
    """One line of the drawing: a part, or its reason."""

    branch: str
    """The branches that join it to the lines above."""
    text: str
    part: ExplanationPart
    head: bool
    """Whether it is the part itself rather than its reason."""

    def __str__(self) -> str:
        mark = f"{MARKS[self.part.holds]} " if self.head else ""
        return f"{self.branch}{mark}{self.text}"


def draw(part: ExplanationPart, time: Callable[[Instant], str]) -> Iterator[Line]:
    """Draw a part and all below it, with instants as `time` writes them."""
    yield from _draw(part, time, "", "")


def _draw(part: ExplanationPart, time: Callable[[Instant], str], branch: str, below: str) -> Iterator[Line]:
    parts = _shown(part)
    yield Line(branch, part.condition, part, head=True)
    yield Line(f"{below}{'│    ' if parts else '     '}", _rests(part, time), part, head=False)
    for one in parts:
        last = one is parts[-1]
        yield from _draw(one, time, f"{below}{'└─ ' if last else '├─ '}", f"{below}{'   ' if last else '│  '}")


def _shown(part: ExplanationPart) -> tuple[ExplanationPart, ...]:
    """The parts worth a line: the part that a `~` negates says the same as the whole."""
    only = part.parts[0] if len(part.parts) == 1 else None
    return only.parts if only is not None and part.condition.startswith("~") else part.parts


def _rests(part: ExplanationPart, time: Callable[[Instant], str]) -> str:
    since = f"; since {time(part.since)}" if part.since > BEGINNING and part.holds is not None else ""
    until = f"; until {time(part.until)}" if part.until < FOREVER else ""
    return f"{part.because}{since}{until}"
