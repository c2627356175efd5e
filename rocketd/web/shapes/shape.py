"""The parts of the table: keys with their types, and the objects that consist of them."""

from enum import StrEnum
from typing import Final, NamedTuple


class Kind(StrEnum):
    """The type of a value."""

    TEXT = "text"
    INTEGER = "integer"
    SECONDS = "seconds"
    """A duration: a number, not always a whole one."""
    FLAG = "flag"
    """True or false."""
    INSTANT = "instant"
    """RFC 3339, in UTC."""
    OBJECT = "object"
    """Of the shape whose name is given."""
    BAR = "bar"
    """A run of the timeline: `[number, start, end, action]`."""


class Key(NamedTuple):
    """A key of an object."""

    name: str
    kind: Kind
    meaning: str = ""
    null: bool = False
    """Whether it may be null."""
    array: bool = False
    """Whether it is an array of such values."""
    of: str = ""
    """The name of the shape, if it is an object."""
    words: tuple[str, ...] = ()
    """All values that it can have; empty: any."""
    optional: bool = False
    """Whether it may be absent."""


class Shape(NamedTuple):
    """An object: its keys."""

    name: str
    keys: tuple[Key, ...]
    extends: str = ""
    """The name of a shape whose keys it has as well."""
    meaning: str = ""
    """What it stands for, if the name does not tell."""
    partial: bool = False
    """Whether all keys of the shape that it extends may be absent, but the first."""


def text(name: str, meaning: str = "", *, null: bool = False, words: tuple[str, ...] = ()) -> Key:
    """Return a key with a text."""
    return Key(name, Kind.TEXT, meaning, null=null, words=words)


def texts(name: str, meaning: str = "", *, null: bool = False) -> Key:
    """Return a key with an array of texts."""
    return Key(name, Kind.TEXT, meaning, array=True, null=null)


def integer(name: str, meaning: str = "", *, null: bool = False) -> Key:
    """Return a key with a whole number."""
    return Key(name, Kind.INTEGER, meaning, null=null)


def seconds(name: str, meaning: str = "", *, null: bool = False) -> Key:
    """Return a key with a duration."""
    return Key(name, Kind.SECONDS, meaning, null=null)


def flag(name: str, meaning: str = "") -> Key:
    """Return a key with true or false."""
    return Key(name, Kind.FLAG, meaning)


def instant(name: str, meaning: str = "", *, null: bool = True) -> Key:
    """Return a key with an instant; most may be null."""
    return Key(name, Kind.INSTANT, meaning, null=null)


def one(name: str, of: str, meaning: str = "") -> Key:
    """Return a key with an object of that shape."""
    return Key(name, Kind.OBJECT, meaning, of=of)


def many(name: str, of: str, meaning: str = "") -> Key:
    """Return a key with an array of objects of that shape."""
    return Key(name, Kind.OBJECT, meaning, array=True, of=of)


NEXT: Final = Key("next", Kind.TEXT, "the value of `after` for the next request; null at the end", null=True)


EVENT: Final = "Event "
"""How the names of the shapes of events begin."""


def event(name: str, meaning: str, *keys: Key, numbered: bool = True, extends: str = "") -> Shape:
    """Return the shape of an event; most have a number."""
    number = (integer("id", "the number of the event, or of the newest one"),) if numbered else ()
    return Shape(f"{EVENT}{name}", (text("event", words=(name,)), *keys, *number), extends, meaning)
