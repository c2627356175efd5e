"""Whether an answer has the keys and types that the table of shapes says, and no others."""

from collections.abc import Iterator

from rocketd.daemon.json_format import Json, from_rfc3339
from rocketd.web.shapes.shape import EVENT, Key, Kind
from rocketd.web.shapes.table import keys_of

_TYPES: dict[Kind, tuple[type, ...]] = {
    Kind.TEXT: (str,),
    Kind.INTEGER: (int,),
    Kind.SECONDS: (int, float),
    Kind.FLAG: (bool,),
    Kind.INSTANT: (str,),
    Kind.OBJECT: (dict,),
    Kind.BAR: (list,),
}


def mismatches(value: Json, shape: str, *, only: frozenset[str] | None = None) -> list[str]:
    """What is not as the shape says; `only`: of these keys."""
    return list(_object(value, shape, shape, only))


def event_mismatches(event: Json) -> list[str]:
    """The same of an event, whose kind says which shape it has."""
    assert isinstance(event, dict)
    return mismatches(event, f"{EVENT}{event.get('event')}")


def _object(value: Json, shape: str, where: str, only: frozenset[str] | None = None) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{where} is {value!r}"
        return
    keys = {key.name: key for key in keys_of(shape) if only is None or key.name in only}
    yield from (f"{where} has {name}" for name in value.keys() - keys.keys())
    for name, key in keys.items():
        if name in value:
            yield from _key(value[name], key, f"{where}.{name}")
        elif not key.optional:
            yield f"{where} lacks {name}"


def _key(value: Json, key: Key, where: str) -> Iterator[str]:
    if value is None:
        if not key.null:
            yield f"{where} is null"
    elif key.array:
        if not isinstance(value, list):
            yield f"{where} is {value!r}"
            return
        for index, one in enumerate(value):
            yield from _value(one, key, f"{where}[{index}]")
    else:
        yield from _value(value, key, where)


def _value(value: Json, key: Key, where: str) -> Iterator[str]:
    is_flag = isinstance(value, bool)
    if not isinstance(value, _TYPES[key.kind]) or (is_flag and key.kind is not Kind.FLAG):
        yield f"{where} is {value!r}, not {key.kind}"
    elif key.words and value not in key.words:
        yield f"{where} is {value!r}, none of {key.words}"
    elif key.kind is Kind.INSTANT:
        from_rfc3339(str(value))
    elif key.kind is Kind.OBJECT:
        yield from _object(value, key.of, where)
