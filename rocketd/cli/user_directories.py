"""Where the daemon of a user has its files: the directories of XDG (basedir-spec)."""

import os
from typing import NamedTuple

from rocketd.cli.exit_codes import UsageError


class UserDirectories(NamedTuple):
    """Of the user who calls."""

    config: str
    state: str
    runtime: str


def user_directories() -> UserDirectories:
    """Find them; raises UsageError if there is no runtime directory, as there is none without a login."""
    home = os.path.expanduser("~")  # noqa: PTH111 - pathlib costs a tenth of the start-up of rocketctl
    runtime = _absolute("XDG_RUNTIME_DIR") or _login_directory()
    return UserDirectories(
        f"{_absolute('XDG_CONFIG_HOME') or f'{home}/.config'}/rocketd",
        f"{_absolute('XDG_STATE_HOME') or f'{home}/.local/state'}/rocketd",
        f"{runtime}/rocketd",
    )


def _absolute(variable: str) -> str:
    """Return the value of a variable; a relative path does not count, as the specification says."""
    value = os.environ.get(variable, "")
    return value if value.startswith("/") else ""


def _login_directory() -> str:
    directory = f"/run/user/{os.getuid()}"
    if not os.path.isdir(directory):  # noqa: PTH112 - as above
        msg = "--user needs the runtime directory of a login, XDG_RUNTIME_DIR"
        raise UsageError(msg, hint="log in, or let the user linger: loginctl enable-linger USER")
    return directory
