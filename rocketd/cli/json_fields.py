"""Fields of the daemon's JSON objects, checked and not trusted.

A daemon of another version may leave one out or change its type.
"""

from collections.abc import Sequence

from rocketd.core.instant import SECOND, Duration, Instant
from rocketd.daemon.json_format import Json, JsonObject, from_rfc3339


def text(one: JsonObject, key: str) -> str:
    """Return a text; empty: there is none."""
    value = one.get(key)
    return value if isinstance(value, str) else ""


def number(one: JsonObject, key: str) -> int | None:
    """Return a whole number; for a list or an object, its length."""
    value = one.get(key)
    if isinstance(value, int):
        return int(value)
    return len(value) if isinstance(value, list | dict) else None


def flag(one: JsonObject, key: str) -> bool:
    """Whether the flag is set."""
    return bool(one.get(key))


def instant(one: JsonObject, key: str) -> Instant | None:
    """Return an instant; None: there is none."""
    try:
        return from_rfc3339(text(one, key))
    except ValueError:
        return None


def duration(one: JsonObject, key: str) -> Duration | None:
    """Return seconds as a duration."""
    value = one.get(key)
    return round(value * SECOND) if isinstance(value, int | float) else None


def words(one: JsonObject, key: str) -> Sequence[str]:
    """Return the texts of a list."""
    value = one.get(key)
    return [word for word in value if isinstance(word, str)] if isinstance(value, list) else []


def objects(value: Json) -> list[JsonObject]:
    """Return the objects of a list."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def the_object(value: Json) -> JsonObject:
    """Return the object; empty for anything else."""
    return value if isinstance(value, dict) else {}
