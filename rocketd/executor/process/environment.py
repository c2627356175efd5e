"""The environment of a run's process: clean, none of the daemon's own variables.

Later ones win: the clean ones, what a login of the user would have, the task's `environment`, its
`environment_files` (as with Environment= and EnvironmentFile= of systemd.exec(5)), then ours.
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
    """Give what every process gets, whoever it runs as."""
    return {"PATH": PATH, "LANG": language or "C.UTF-8"}


def own_identity() -> Identity:
    """Who the daemon is."""
    uid = os.geteuid()
    groups = tuple(os.getgroups())
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        return Identity(uid, os.getegid(), groups, str(uid), "/", "/bin/sh")
    return Identity(uid, os.getegid(), groups, entry.pw_name, entry.pw_dir or "/", entry.pw_shell or "/bin/sh")


def environment_before(clean: Mapping[str, str], identity: Identity, around: Surroundings) -> dict[str, str]:
    """Put together what a task's environment files may change."""
    environment = dict(clean)
    name = identity.name
    environment |= {"HOME": identity.home, "USER": name, "LOGNAME": name, "SHELL": identity.shell}
    if around.timezone:
        environment["TZ"] = around.timezone
    environment.update(around.environment)
    return environment


def variables_of(run: Run) -> dict[str, str]:
    """Give what tells a process which run it is; nothing changes that."""
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

    `read` reads one: see `Files`. Raises RocketdError if it cannot be read.
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
    r"""Give the assignments of an environment file.

    Lines that are empty, begin with `#` or `;` or have no `=` are ignored. A value may be quoted with '…' (nothing is
    special) or "…" (a backslash protects one of " \ ` $ and the end of a line), and may go on over line ends there.
    Unquoted, a backslash protects any character, joins lines at their end, and blanks around the value are dropped.
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
    """Read a value from there on; gives it and where the next line begins."""
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
    kept = 0  # so many characters stay when blanks are dropped at the end
    while at < len(text) and text[at] != "\n":
        if text[at] == "\\" and at + 1 < len(text):
            value += text[at + 1].strip("\n")
            kept = len(value)
            at += 2
        else:
            value += text[at]
            kept = kept if text[at] in _BLANK else len(value)
            at += 1
    return value[:kept], at + 1
