"""How JSON is written on the socket: instants are RFC 3339 with microseconds and offset.

Nothing heavy is imported here, for `rocketctl` starts with it.
"""

import json
from datetime import datetime
from typing import TypeAlias

from rocketd.core.instant import BEGINNING, FOREVER, Instant, datetime_of, instant_of


class EncodedItems:
    """A list in an answer whose items have been encoded as JSON already."""

    __slots__ = ("texts",)

    def __init__(self, texts: list[str]) -> None:
        self.texts = texts

    def __len__(self) -> int:
        return len(self.texts)

    def __getitem__(self, part: slice) -> "list[Json]":
        """Return some of its items, decoded."""
        return [json.loads(text) for text in self.texts[part]]


Json: TypeAlias = bool | int | float | str | list["Json"] | dict[str, "Json"] | EncodedItems | None
JsonObject: TypeAlias = dict[str, Json]


def rfc3339(instant: Instant | None) -> str | None:
    """Write an instant with microseconds, in UTC; None for no instant, and for "always" and "never"."""
    if instant is None or not BEGINNING < instant < FOREVER:
        return None
    try:
        return datetime_of(instant).isoformat(timespec="microseconds")
    except OverflowError:  # beyond the year 9999 is never, for people and for programs
        return None


def from_rfc3339(text: str) -> Instant:
    """Read what `rfc3339` wrote; raises ValueError for anything without a date, a time and an offset.

    In UTC, too, it must lie in the years 1 to 9999.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        msg = f"{text!r} has no offset from UTC"
        raise ValueError(msg)
    try:
        return instant_of(moment)
    except OverflowError as error:
        raise ValueError(str(error)) from None
