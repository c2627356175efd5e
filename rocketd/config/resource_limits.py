"""Resource limits: the names and spellings of systemd.exec(5), without `Limit` and in small letters (`nofile`).

A value is one limit, or `soft:hard`; `infinity` is none. What a number counts depends on the resource: bytes, time,
or things.
"""

import resource
from collections.abc import Callable
from typing import Final

from rocketd.config.problems import BadValue
from rocketd.config.value_types import duration, each, integer, size
from rocketd.core.instant import SECOND
from rocketd.core.model.task import Limit
from rocketd.core.suggestion import did_you_mean

_MAX: Final = 2**63 - 1
_bytes: Final = size(_MAX)
_duration: Final = duration(0)
_number: Final = integer(0, _MAX)


def _count(value: object) -> int:
    if type(value) is str and value.isascii() and value.isdigit():
        value = int(value[:20])
    return _number(value)


def _seconds(value: object) -> int:
    return -(-_duration(value) // SECOND) if type(value) is str and not value.isdigit() else _count(value)


def _microseconds(value: object) -> int:
    return _duration(value) if type(value) is str and not value.isdigit() else _count(value)


_RESOURCES: Final[dict[str, tuple[int, Callable[[object], int]]]] = {
    "as": (resource.RLIMIT_AS, _bytes),
    "core": (resource.RLIMIT_CORE, _bytes),
    "cpu": (resource.RLIMIT_CPU, _seconds),
    "data": (resource.RLIMIT_DATA, _bytes),
    "fsize": (resource.RLIMIT_FSIZE, _bytes),
    "memlock": (resource.RLIMIT_MEMLOCK, _bytes),
    "msgqueue": (resource.RLIMIT_MSGQUEUE, _bytes),
    "nice": (resource.RLIMIT_NICE, _count),
    "nofile": (resource.RLIMIT_NOFILE, _count),
    "nproc": (resource.RLIMIT_NPROC, _count),
    "rss": (resource.RLIMIT_RSS, _bytes),
    "rtprio": (resource.RLIMIT_RTPRIO, _count),
    "rttime": (resource.RLIMIT_RTTIME, _microseconds),
    "sigpending": (resource.RLIMIT_SIGPENDING, _count),
    "stack": (resource.RLIMIT_STACK, _bytes),
}

NAMES: Final = tuple(_RESOURCES)
"""Every resource that can be limited."""


def limits(value: object) -> tuple[Limit, ...]:
    """Take a table of limits by name."""
    if type(value) is not dict:
        raise BadValue("this must be a table of limits", "for example { nofile = 1024 }")
    return each(((name, (name, limit)) for name, limit in value.items()), _limit)


def _limit(named: tuple[str, object]) -> Limit:
    name, value = named
    if name not in _RESOURCES:
        plain = name.lower().removeprefix("limit")
        hint = f"did you mean {plain}?" if plain in _RESOURCES else did_you_mean(plain, NAMES)
        raise BadValue(f"'{name}' is not a resource limit", hint or f"allowed: {', '.join(NAMES)}", at_key=True)
    number, read = _RESOURCES[name]
    return Limit(number, *_bounds(value, read))


def _bounds(value: object, read: Callable[[object], int]) -> tuple[int, int]:
    if type(value) is not str or ":" not in value:
        both = _bound(value, read)
        return both, both
    try:
        soft, hard = (_bound(part.strip(), read) for part in value.split(":", 1))
    except BadValue as mistake:
        raise BadValue(str(mistake), "write SOFT:HARD, for example 1G:2G") from None
    if hard != -1 and (soft == -1 or soft > hard):
        raise BadValue(f"the soft limit of '{value}' is above the hard one", "write SOFT:HARD")
    return soft, hard


def _bound(value: object, read: Callable[[object], int]) -> int:
    return -1 if value == "infinity" else read(value)
