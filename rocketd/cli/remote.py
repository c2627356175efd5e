"""`rocketctl -H HOST`: the same command line on another host, over ssh(1), as `systemctl -H` does.

Who you are there is for that host's sshd to say; nothing of rocketd listens on the network.
"""

import os
import re
import shlex
import socket
import sys
from collections.abc import Sequence
from typing import Final

from rocketd.cli.exit_codes import Failure, UsageError
from rocketd.cli.parser import parse

_OPTIONS: Final = ("-H", "--host")
_HOST: Final = re.compile(r"[\w\[.][\w\[\].:@%+-]*", re.ASCII)
"""As ssh takes it: `user@host`, an address, or a name of ssh_config(5); nothing that it would take for an option."""


def ssh_command(host: str, arguments: Sequence[str], *, terminal: bool) -> list[str]:
    """Return the ssh command that runs `rocketctl` with these arguments on a host. Raises UsageError.

    `terminal`: whether colours, a pager and Ctrl-C are wanted there.
    """
    if not _HOST.fullmatch(host):
        raise UsageError(f"{host!r} is not a host for ssh", hint="for example web2 or admin@web2.example.com")
    remaining = _without_host(arguments)
    choices = parse(remaining)
    if choices.host is not None:  # as in -lH web2
        raise UsageError("-H stands among other letters", hint=f"write -H {host} by itself")
    forwarding: list[str] = []
    if choices.verb == "web":
        port = choices.port or _free_port()
        remaining += [] if choices.port else [f"--port={port}"]
        forwarding = ["-oExitOnForwardFailure=yes", f"-L127.0.0.1:{port}:127.0.0.1:{port}"]
    words = ["rocketctl", *remaining]
    return ["ssh", "-t" if terminal else "-T", *forwarding, "--", host, shlex.join(words)]


def _free_port() -> int:
    """Return a port that is free here; most likely it is there as well."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _without_host(arguments: Sequence[str]) -> list[str]:
    """Remove the option that names the host: there, it is the host itself."""
    kept: list[str] = []
    words = iter(arguments)
    for word in words:
        if word == "--":
            return [*kept, word, *words]
        if word in _OPTIONS:
            next(words, None)
        elif not word.startswith(("-H", "--host=")):
            kept.append(word)
    return kept


def run_remotely(host: str, arguments: Sequence[str]) -> int:
    """Replace this process by ssh(1), whose exit code is that of the remote `rocketctl`, or 255."""
    command = ssh_command(host, arguments, terminal=sys.stdin.isatty() and sys.stdout.isatty())
    try:
        os.execvp(command[0], command)  # noqa: S606 - no shell here: the arguments are passed on as they are
    except OSError as error:
        raise Failure(f"cannot run ssh: {error.strerror}", hint="-H needs the OpenSSH client") from None
