"""What the table of verbs is made of."""

from enum import Enum, auto
from typing import NamedTuple


class OptionKind(Enum):
    """The kind of an option's or argument's value: completions offer values by it."""

    FLAG = auto()
    TASK = auto()
    RUN = auto()
    SUBJECT = auto()
    """A task or a run."""
    RUNNING = auto()
    """A task that is running, or one of its runs."""
    PAUSED = auto()
    """A task that is paused."""
    TAG = auto()
    ORDER = auto()
    ACTION = auto()
    TIME = auto()
    NUMBER = auto()
    TEXT = auto()
    CONDITION = auto()
    ZONE = auto()
    DIRECTORY = auto()
    PATH = auto()


class VerbOption(NamedTuple):
    """One option: its `names` as typed, and its `field` in `Choices`."""

    names: tuple[str, ...]
    field: str
    kind: OptionKind
    help: str
    metavar: str = ""
    repeats: bool = False
    how_many: str = ""
    """As in argparse: exactly one value (empty), `?` or `*`."""


class VerbArgument(NamedTuple):
    """One argument of a verb; `how_many` as in argparse: exactly one (empty), `?` or `*`."""

    metavar: str
    field: str
    kind: OptionKind
    help: str
    how_many: str = ""


class Verb(NamedTuple):
    """One verb, with its arguments and options."""

    name: str
    help: str
    arguments: tuple[VerbArgument, ...] = ()
    options: tuple[VerbOption, ...] = ()
    offline: bool = False
    """Whether it works without a daemon."""
