"""What of an object that nobody has checked is as a shape says: the rest of it is left out."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Final

from rocketd.daemon.json_format import Json, JsonObject, from_rfc3339
from rocketd.web.shapes.shape import Key, Kind

_TYPES: Final[Mapping[Kind, tuple[type, ...]]] = {
    Kind.TEXT: (str,),
    Kind.INTEGER: (int,),
    Kind.SECONDS: (int, float),
    Kind.FLAG: (bool,),
    Kind.INSTANT: (str,),
}
"""Of the kinds whose values are no objects."""


def fitting(value: JsonObject, keys: Sequence[Key]) -> JsonObject:
    """Return those of these keys whose values are of the right type."""
    return {key.name: value[key.name] for key in keys if key.name in value and _fits(value[key.name], key)}


def _fits(value: Json, key: Key) -> bool:
    if value is None:
        return key.null
    if key.array:
        return isinstance(value, list) and all(_is_one(item, key) for item in value)
    return _is_one(value, key)


def _is_one(value: Json, key: Key) -> bool:
    if not isinstance(value, _TYPES.get(key.kind, ())) or (isinstance(value, bool) and key.kind is not Kind.FLAG):
        return False
    if key.words and value not in key.words:
        return False
    return key.kind is not Kind.INSTANT or _is_instant(str(value))


def _is_instant(text: str) -> bool:
    with suppress(ValueError):
        from_rfc3339(text)
        return True
    return False
