"""Fields of the daemon's JSON objects, matched and not trusted.

A daemon of another version may leave one out or change its type.
"""

from collections.abc import Sequence

from rocketd.core.instant import SECOND, Duration, Instant
from rocketd.daemon.json_format import Json, JsonObject, from_rfc3339


def text(one: JsonObject, key: str) -> str:
    """Text, or nothing."""
    value = one.get(key)
    return value if isinstance(value, str) else ""


def number(one: JsonObject, key: str) -> int | None:
    """A whole number; for a list or an object, how many things are in it."""
    value = one.get(key)
    if isinstance(value, int):
        return int(value)
    return len(value) if isinstance(value, list | dict) else None


def flag(one: JsonObject, key: str) -> bool:
    """Whether it is set."""
    return bool(one.get(key))


def instant(one: JsonObject, key: str) -> Instant | None:
    """An instant, or none."""
    try:
        return from_rfc3339(text(one, key))
    except ValueError:
        return None


def duration(one: JsonObject, key: str) -> Duration | None:
    """Seconds, as a duration."""
    value = one.get(key)
    return round(value * SECOND) if isinstance(value, int | float) else None


def words(one: JsonObject, key: str) -> Sequence[str]:
    """A list of text."""
    value = one.get(key)
    return [word for word in value if isinstance(word, str)] if isinstance(value, list) else []


def objects(value: Json) -> list[JsonObject]:
    """A list of objects."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def the_object(value: Json) -> JsonObject:
    """An object, empty for anything else."""
    return value if isinstance(value, dict) else {}
