"""Reads crontab(5): the tables of Vixie cron and of cronie, with and without a column for the user."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from rocketd.core.dataclass import dataclass, field
from rocketd.core.shell_syntax import is_builtin

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

_VARIABLE: Final = re.compile(r"""("[^"]*"|'[^']*'|[^\s=]+)\s*=\s*(.*)""", re.DOTALL)
_COMMAND: Final = re.compile(r"(?:[^\\%]|\\.|\\$)*", re.DOTALL)
"""What stands before the first `%` without a backslash of its own: a backslash may belong to another one."""
_USER_NAME: Final = re.compile(r"[a-z_][a-z0-9_.-]*\$?", re.ASCII)
_FIELD: Final = re.compile(r"[*?0-9][*?0-9,/-]*", re.ASCII)
"""What is a field of a cron line, and neither a user nor a program."""
_FIVE: Final = 5


@dataclass(frozen=True, slots=True)
class CrontabEntry:
    """A line with a command."""

    line: int
    text: str
    """As written."""
    fields: str
    """The five fields with single blanks, or a nickname."""
    user: str
    """Empty: that of the crontab."""
    command: str
    """As the shell gets it."""
    stdin: str
    """What the command reads."""
    environment: dict[str, str] = field(default_factory=dict)
    """The variables in force here."""
    unlogged: bool = False
    """Whether a `-` before the fields keeps cronie from logging it."""


@dataclass(frozen=True, slots=True)
class InvalidLine:
    """A line that is neither an entry nor a variable."""

    line: int
    text: str
    why: str


def read_crontab(text: str, *, with_user: bool) -> Iterator[CrontabEntry | InvalidLine]:
    """Read a table; a variable counts for the lines below it."""
    environment: dict[str, str] = {}
    for number, raw in enumerate(text.split("\n"), 1):
        line = raw.strip(" \t\r")
        if not line or line.startswith("#"):
            continue
        if variable := read_variable(line):
            environment[variable[0]] = variable[1]
        else:
            yield _entry(number, line, environment, with_user=with_user)


def has_user_column(text: str, users: Collection[str], is_program: Callable[[str], bool]) -> bool:
    """Whether the word after the fields is the name of a user in each line.

    Some of the users may be gone, if half of them are there: such a name is neither a program nor of the shell.
    """
    entries = [entry for entry in read_crontab(text, with_user=False) if isinstance(entry, CrontabEntry)]
    words = [entry.command.split(None, 2) for entry in entries]
    if not words or not all(len(parts) > 1 and not parts[1].startswith("-") for parts in words):
        return False
    unknown = {parts[0] for parts in words if parts[0] not in users}
    if any(not _USER_NAME.fullmatch(name) or is_builtin(name) or is_program(name) for name in unknown):
        return False
    return sum(parts[0] not in unknown for parts in words) * 2 >= len(words)


def read_variable(line: str) -> tuple[str, str] | None:
    """Read `NAME = value`, with quotes or without; None: it is something else."""
    found = _VARIABLE.fullmatch(line)
    if not found:
        return None
    name, value = _unquoted(found[1]), found[2].rstrip()
    if line[0] not in "\"'" and (line[0].isdigit() or line[0] in "*@-~" or not re.fullmatch(r"\w+", name)):
        return None
    return name, _unquoted(value)


def _unquoted(text: str) -> str:
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'" else text


def _entry(number: int, line: str, environment: dict[str, str], *, with_user: bool) -> CrontabEntry | InvalidLine:
    unlogged = line.startswith("-") and not line.startswith("--")
    rest = line[1:] if unlogged else line
    count = 1 if rest.startswith("@") else _FIVE
    words = rest.split(None, count + with_user)
    if len(words) < count + 1 + with_user:
        needed = "five fields, a user and a command" if with_user else "five fields and a command"
        return InvalidLine(number, line, f"an entry has {needed}")
    sixth = words[count].split(None, 1)[0]
    if _FIELD.fullmatch(sixth):
        return InvalidLine(number, line, f"{sixth} is a sixth field, where cron reads {_SIXTH[with_user]}")
    command, stdin = _split_at_percent(words[-1])
    user = words[count] if with_user else ""
    fields = " ".join(words[:count])
    return CrontabEntry(number, line, fields, user, command, stdin, dict(environment), unlogged)


_SIXTH: Final = ("the command", "the user")


def _split_at_percent(text: str) -> tuple[str, str]:
    r"""Split at the first `%`: what follows is the standard input, with line feeds for further ones; `\%` is `%`.

    Before it, backslashes go in pairs, so that the `%` of `\\%` is the first; behind it, they do not.
    """
    found = _COMMAND.match(text)
    end = found.end() if found else 0
    command = re.sub(r"\\(.)", lambda pair: "%" if pair[1] == "%" else pair[0], text[:end], flags=re.DOTALL)
    stdin = text[end + 1 :].replace("\\%", "\0").replace("%", "\n").replace("\0", "%")
    return command.rstrip(), stdin if not stdin or stdin.endswith("\n") else f"{stdin}\n"
