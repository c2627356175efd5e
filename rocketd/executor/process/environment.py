"""The environment of a run's process: clean, with none of the daemon's own variables.

In ascending precedence: the clean environment, what a login of the user would set, the task's `environment`, its
`environment_files` (as Environment= and EnvironmentFile= of systemd.exec(5)), and the variables that identify the run.
"""

import os
import pwd
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from rocketd.core.errors import RocketdError
from rocketd.core.instant import datetime_of
from rocketd.core.model.run import Run
from rocketd.core.model.task import Identity, Surroundings
from rocketd.executor.process.process_tree import RUN_ID_VARIABLE
from rocketd.executor.shortage import cannot

PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_BLANK: Final = " \t\r"


def clean_environment(language: str) -> dict[str, str]:
    """Return the variables that every process gets, whichever user it runs as."""
    return {"PATH": PATH, "LANG": language or "C.UTF-8"}


def own_identity() -> Identity:
    """Return the daemon's own user and groups."""
    uid = os.geteuid()
    groups = tuple(os.getgroups())
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        return Identity(uid, os.getegid(), groups, str(uid), "/", "/bin/sh")
    return Identity(uid, os.getegid(), groups, entry.pw_name, entry.pw_dir or "/", entry.pw_shell or "/bin/sh")


def task_environment(clean: Mapping[str, str], identity: Identity, surroundings: Surroundings) -> dict[str, str]:
    """Return the environment before the task's environment files are applied to it."""
    environment = dict(clean)
    name = identity.name
    environment |= {"HOME": identity.home, "USER": name, "LOGNAME": name, "SHELL": identity.shell}
    if surroundings.timezone:
        environment["TZ"] = surroundings.timezone
    environment.update(surroundings.environment)
    return environment


def run_variables(run: Run) -> dict[str, str]:
    """Return the variables that identify the run to its process; nothing overrides them."""
    variables = {
        "ROCKETD_TASK": run.task,
        RUN_ID_VARIABLE: run.run_id,
        "ROCKETD_NUMBER": str(run.number),
        "ROCKETD_ATTEMPT": str(run.attempt),
        "ROCKETD_DUE": datetime_of(run.due).isoformat(timespec="microseconds").replace("+00:00", "Z"),
    }
    if run.cause_task:
        variables |= {"ROCKETD_CAUSE_TASK": run.cause_task, "ROCKETD_CAUSE_RUN_ID": run.cause_run_id}
    return variables


def read_environment_file(name: str, read: Callable[[str], str]) -> dict[str, str]:
    """Read a file as EnvironmentFile= of systemd.exec(5); one whose name begins with `-` may be missing.

    `read` returns the text of a path, as `EnvironmentFiles.read` does. Raises RocketdError if it cannot be read.
    """
    path = name.removeprefix("-")
    try:
        return dict(parse_environment(read(path)))
    except FileNotFoundError as error:
        if path != name:
            return {}
        raise cannot(f"environment file {path}", error) from None
    except OSError as error:
        raise cannot(f"environment file {path}", error) from None
    except ValueError as error:
        raise RocketdError(f"environment file {path}: {error}") from None


def parse_environment(text: str) -> Iterator[tuple[str, str]]:
    r"""Yield the assignments of an environment file as (name, value). Raises ValueError for a quote that is not closed.

    Lines that are empty, begin with `#` or `;` or have no `=` are ignored. A value may be quoted with '…' (nothing is
    special) or "…" (a backslash escapes one of " \ ` $ and the end of a line), and may span lines there.
    Unquoted, a backslash escapes any character and joins lines at their end; blanks around the value are dropped.
    """
    at = 0
    while at < len(text):
        end = _line_end(text, at)
        equals = text.find("=", at, end)
        name = text[at:equals].strip() if equals >= 0 else ""
        if not name or name[0] in "#;":
            at = end + 1
            continue
        value, at = _value(text, equals + 1)
        yield name, value


def _line_end(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end


def _value(text: str, at: int) -> tuple[str, int]:
    r"""Return the value that begins at `at`, and where the next line begins.

    Quoted and unquoted pieces are joined, as in a shell:

    text               value     next line
    'a b'"c"d \n…      a bcd     after the \n: the blank before it is dropped
    a\ \n…             a         with a blank at its end, which the backslash protects
    "a\n…              error     the quote is open to the end of the text
    """
    value = ""
    while True:
        while at < len(text) and text[at] in _BLANK:
            at += 1
        match text[at : at + 1]:
            case "'":
                piece, at = _single_quoted(text, at + 1)
            case '"':
                piece, at = _double_quoted(text, at + 1)
            case _:
                piece, at = _unquoted(text, at)
                return value + piece, at
        value += piece


def _single_quoted(text: str, at: int) -> tuple[str, int]:
    end = text.find("'", at)
    if end < 0:
        raise ValueError("a ' is not closed")
    return text[at:end], end + 1


def _double_quoted(text: str, at: int) -> tuple[str, int]:
    value = ""
    while at < len(text):
        this, following = text[at], text[at + 1 : at + 2]
        if this == '"':
            return value, at + 1
        if this == "\\" and following and following in '"\\`$\n':
            value += following.strip("\n")
            at += 2
        else:
            value += this
            at += 1
    raise ValueError('a " is not closed')


def _unquoted(text: str, at: int) -> tuple[str, int]:
    value = ""
    length = 0  # of the value without blanks at its end
    while at < len(text) and text[at] != "\n":
        if text[at] == "\\" and at + 1 < len(text):
            value += text[at + 1].strip("\n")
            length = len(value)
            at += 2
        else:
            value += text[at]
            length = length if text[at] in _BLANK else len(value)
            at += 1
    return value[:length], at + 1
