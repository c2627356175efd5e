"""The kinds of values that settings take: each turns what TOML gave into an exact type, or says what is wrong.

TOML's types are taken as they are: a boolean is no number, a number is no text. `name` is how the reference and the
error messages call the kind.
"""

import re
from collections.abc import Callable, Iterable
from datetime import date, datetime, time
from enum import StrEnum
from typing import Final, Generic, TypeVar

from rocketd.config.problems import MAX_MISTAKES, BadValue, Mistake
from rocketd.core.dataclass import dataclass
from rocketd.core.duration import parse_duration
from rocketd.core.errors import ConditionError
from rocketd.core.instant import FOREVER, SECOND, Duration
from rocketd.core.model.task import ExecutorKind
from rocketd.core.suggestion import did_you_mean

T = TypeVar("T")
V = TypeVar("V")
T_co = TypeVar("T_co", covariant=True)
Word = TypeVar("Word", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class ValueType(Generic[T_co]):
    """A kind of value: its name, and how it is read; `read` raises `BadValue`."""

    name: str
    read: Callable[[object], T_co]


def toml_type(value: object) -> str:
    """What TOML calls this value."""
    names = {bool: "a boolean", int: "an integer", float: "a float", str: "a string", list: "an array", dict: "a table"}
    dates = {datetime: "a date and time", date: "a date", time: "a time"}
    return (names | dates)[type(value)]


def wrong_type(expected: str, value: object, hint: str = "") -> BadValue:
    """Return the error for a value of another type than the expected one."""
    return BadValue(f"this must be {expected}, not {toml_type(value)}", hint)


def string(value: object) -> str:
    """Take any text that a process can be given: a NUL ends an argument early (execve(2))."""
    if type(value) is not str:
        raise wrong_type("a string", value, f'write "{value}"' if type(value) in (int, float) else "")
    if "\0" in value:
        raise BadValue("this cannot contain a NUL character", start=value.index("\0"), end=value.index("\0") + 1)
    return value


def non_empty(value: object) -> str:
    """Take a text that is not empty."""
    text = string(value)
    if not text:
        raise BadValue("this must not be empty")
    return text


def boolean(value: object) -> bool:
    """Take true or false."""
    if type(value) is not bool:
        right = type(value) is str and value.lower() in ("true", "false")
        raise wrong_type("true or false", value, f"write {str(value).lower()} without quotes" if right else "")
    return value


def integer(minimum: int, maximum: int) -> Callable[[object], int]:
    """Take a whole number between these, both included."""

    def read(value: object) -> int:
        if type(value) is not int:
            raise wrong_type("an integer", value)
        if not minimum <= value <= maximum:
            raise BadValue(f"{value} is not between {minimum} and {maximum}")
        return value

    return read


def duration(minimum: Duration) -> Callable[[object], Duration]:
    """Take a time span as of systemd.time(7), in microseconds, no shorter than `minimum`."""

    def read(value: object) -> Duration:
        if type(value) is not str:
            number = value if isinstance(value, int | float) and not isinstance(value, bool) else -1
            seconds = minimum <= number * SECOND < FOREVER
            hint = f'write "{value}s" for seconds' if seconds else 'for example "2h 30min"'
            raise wrong_type("a duration in quotes", value, hint)
        span = _duration(value)
        if span < minimum:
            raise BadValue("this must be longer than zero" if span == 0 else f"{value} is too short")
        return span

    return read


def _duration(text: str) -> Duration:
    try:
        return parse_duration(text)
    except ConditionError as error:
        raise BadValue(error.message, error.hint, start=error.start, end=error.end) from None


def duration_or_infinity(value: object) -> Duration | None:
    """Take a duration, or `infinity`, which is None."""
    return None if value == "infinity" else duration(1)(value)


_SIZE: Final = re.compile(r"(\d{1,18})\s*(B|[KMGT](?:iB)?|)", re.ASCII)
_UNITS: Final = {"": 0, "B": 0, "K": 10, "M": 20, "G": 30, "T": 40}


def size(maximum: int) -> Callable[[object], int]:
    """Take a number of bytes, or a text as `16 KiB`; `K`, `M`, `G`, `T` are powers of 1024 as in systemd."""

    def read(value: object) -> int:
        if type(value) is int:
            count = value
        elif type(value) is str:
            count = _bytes(value)
        else:
            raise wrong_type('a size, as 16384 or "16 KiB"', value)
        if not 0 <= count <= maximum:
            raise BadValue(f"{value} is not between 0 and {shown_size(maximum)}")
        return count

    return read


def _bytes(text: str) -> int:
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        known = ("B", "KiB", "MiB", "GiB", "TiB")
        hint = f"sizes are whole numbers with one of the units {' '.join(known)}, each 1024 times the one before"
        raise BadValue(f"'{text}' is not a size", hint)
    return int(found[1]) << _UNITS[found[2][:1]]


def shown_size(count: int) -> str:
    """Write a number of bytes in the largest unit that leaves it whole."""
    for unit, power in (("TiB", 4), ("GiB", 3), ("MiB", 2), ("KiB", 1)):
        if count and count % 1024**power == 0:
            return f"{count // 1024**power} {unit}"
    return f"{count} B"


def one_of(*words: str) -> Callable[[object], str]:
    """Take one of these words."""

    def read(value: object) -> str:
        text = string(value)
        if text not in words:
            listed = ", ".join(f"'{word}'" for word in words[:-1])
            raise BadValue(f"'{text}' is not one of {listed} and '{words[-1]}'", did_you_mean(text, words))
        return text

    return read


def choice(words: type[Word]) -> Callable[[object], Word]:
    """Take one of these words, as a member."""
    read = one_of(*words)
    return lambda value: words(read(value))


def optional(read: Callable[[object], T]) -> Callable[[object], T | None]:
    """Take the same, or an empty text, which is none: it undoes a default, as in the files of units."""
    return lambda value: None if value == "" else read(value)


def each_of(*words: str) -> Callable[[object], tuple[str, ...]]:
    """Take a list of these words."""
    read = one_of(*words)
    return lambda value: _each(value, read, "a list of strings")


def strings(value: object) -> tuple[str, ...]:
    """Take a list of texts."""
    return _each(value, string, "a list of strings")


def path(value: object) -> str:
    """Take an absolute path."""
    text = non_empty(value)
    if not text.startswith("/"):
        raise BadValue(f"'{text}' is not an absolute path", "write the whole path, starting with /")
    return text


def paths(value: object) -> tuple[str, ...]:
    """Take a list of absolute paths, each perhaps with a `-` in front: it may be missing."""
    return _each(value, _perhaps_path, "a list of paths")


def _perhaps_path(value: object) -> str:
    text = non_empty(value)
    return "-" + path(text[1:]) if text.startswith("-") else path(text)


def codes(value: object) -> frozenset[int]:
    """Take a list of exit codes."""
    return frozenset(_each(value, integer(0, 255), "a list of exit codes"))


def command(value: object) -> str | tuple[str, ...]:
    """Take a program and its arguments as a list, or the text for a shell."""
    if type(value) is str:
        return non_empty(value)
    argv = _each(value, string, "a list of strings, the program and its arguments")
    if not argv or not argv[0]:
        raise BadValue("the program to run is missing", 'write it first: ["/usr/bin/true"]')
    return argv


_FUNCTION: Final = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*:[^\W\d]\w*(?:\.[^\W\d]\w*)*")


def function(value: object) -> str:
    """Take the place of a Python function."""
    text = non_empty(value)
    if not _FUNCTION.fullmatch(text):
        raise BadValue(f"'{text}' does not name a function", 'write "package.module:function"')
    return text


def url(value: object) -> str:
    """Take a database URL; whether it can be opened is for the store to say."""
    text = non_empty(value)
    if not re.match(r"[a-z][a-z0-9_+]*://", text):
        raise BadValue(f"'{text}' is not a database URL", 'for example "sqlite:////var/lib/rocketd/rocketd.db"')
    return text


_ADDRESS: Final = re.compile(r"[^\s@,;<>\"]+(?:@[^\s@,;<>\"]+)?")


def address(value: object) -> str:
    """Take where mail goes to or comes from: `name@host`, or the name of a user of this host's mail server."""
    text = non_empty(value)
    if not _ADDRESS.fullmatch(text):
        raise BadValue(f"'{text}' is not a single mail address", 'for example "root@example.com"')
    return text


def addresses(value: object) -> tuple[str, ...]:
    """Take a list of addresses."""
    return _each(value, address, "a list of addresses")


def umask(value: object) -> int:
    """Take a file mode creation mask; text only, because in TOML 22 and 0o22 are two numbers."""
    if type(value) is not str:
        raise wrong_type("a mask of octal digits in quotes", value, 'for example "0022"')
    if not re.fullmatch("0?[0-7]{1,3}", value):
        raise BadValue(f"'{value}' is not a mask of octal digits", 'for example "0022"')
    return int(value, 8)


def each(items: Iterable[tuple[str | int, V]], read: Callable[[V], T]) -> tuple[T, ...]:
    """Read every item of a list or a table under its key; whatever is wrong is said of all of them."""
    taken: list[T] = []
    mistakes: list[Mistake] = []
    for key, item in items:
        if len(mistakes) > MAX_MISTAKES:
            break
        try:
            taken.append(read(item))
        except BadValue as mistake:
            mistakes += mistake.under((key,))
    if mistakes:
        raise BadValue.of(mistakes)
    return tuple(taken)


def _each(value: object, read: Callable[[object], T], expected: str) -> tuple[T, ...]:
    if type(value) is not list:
        raise wrong_type(expected, value, f'write ["{value}"]' if type(value) is str else "")
    return each(enumerate(value), read)


TEXT: Final = ValueType("string", string)
NON_EMPTY: Final = ValueType("string", non_empty)
BOOLEAN: Final = ValueType("boolean", boolean)
DURATION: Final = ValueType("duration", duration(0))
DURATION_OR_INFINITY: Final = ValueType("duration, or `infinity`", duration_or_infinity)
STRINGS: Final = ValueType("list of strings", strings)
PATH: Final = ValueType("path", path)
ADDRESS: Final = ValueType("address", address)
ADDRESSES: Final = ValueType("list of addresses", addresses)
EXECUTOR: Final = ValueType(
    "`auto`, `unit` or `process`", lambda value: ExecutorKind(one_of("auto", "unit", "process")(value))
)
CODES: Final = ValueType("list of integers", codes)
