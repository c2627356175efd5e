"""One line of the spool: the changes of one `write` as JSON; validated when read back.

A line may be from a newer version, or a disk may have changed it. All values have the types that the store expects, or
the whole line is refused.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, is_dataclass
from enum import Enum
from functools import cache
from typing import Final, get_args, get_type_hints

from rocketd.core.instant import BEGINNING, FOREVER
from rocketd.core.model.events import Finished, Missed, Spawned, Started, Withdrawn
from rocketd.core.model.records import Alive, Change, Renamed, TaskState

_KINDS: Final = {
    kind.__name__: kind for kind in (Started, Spawned, Finished, Withdrawn, Missed, TaskState, Alive, Renamed)
}
_COUNTED: Final = ("number", "next_number", "attempt", "count")
"""What counts from 1."""


class UnreadableLine(ValueError):
    """A line that contains no changes that this version understands."""


def format_line(changes: Sequence[Change]) -> bytes:
    """Serialize changes as one line, with its line feed."""
    values = [{"kind": type(change).__name__, **asdict(change)} for change in changes]
    return json.dumps(values, separators=(",", ":")).encode() + b"\n"


def parse_line(line: bytes) -> list[Change]:
    """Parse a line into its changes; raises UnreadableLine."""
    try:
        values = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise UnreadableLine(f"it is not JSON: {error}") from error
    if not isinstance(values, list):
        raise UnreadableLine("it is not a list of changes")
    return [_change(value) for value in values]


def _change(values: object) -> Change:
    kind = values.pop("kind", None) if isinstance(values, dict) else None
    if not isinstance(kind, str) or kind not in _KINDS:
        raise UnreadableLine(f"this rocketd does not know changes of the kind {kind!r}")
    change: Change = _build(_KINDS[kind], values)  # type: ignore[assignment]  # each kind is a change
    return change


def _build(kind: type, values: object) -> object:
    """Build an object of this class from a JSON value."""
    if not isinstance(values, Mapping):
        raise UnreadableLine(f"{kind.__name__} is {values!r:.50}")
    types = _types(kind)
    if unknown := values.keys() - types.keys():
        raise UnreadableLine(f"{kind.__name__} has no {min(unknown)}")
    try:
        return kind(**{name: _value(name, types[name], value) for name, value in values.items()})
    except TypeError as error:  # something is missing
        raise UnreadableLine(str(error)) from error


@cache
def _types(kind: type) -> Mapping[str, object]:
    return get_type_hints(kind)


def _value(name: str, expected: object, value: object) -> object:
    if isinstance(expected, type) and is_dataclass(expected):
        return _build(expected, value)
    if isinstance(expected, type) and issubclass(expected, Enum):
        try:
            return expected(value)
        except ValueError as error:
            raise UnreadableLine(f"{name} is {value!r:.50}") from error
    if type(value) not in (get_args(expected) or (expected,)) or not _in_range(name, value):
        raise UnreadableLine(f"{name} is {value!r:.50}")
    return value


def _in_range(name: str, value: object) -> bool:
    if isinstance(value, int):
        return (1 if name in _COUNTED else BEGINNING) <= value <= FOREVER
    return True
