"""Where `rocketctl` writes: a terminal, through a pager if it is long; or a pipe, whose reader may leave any time."""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from io import TextIOWrapper
from typing import Final, TextIO

from rocketd.cli.exits import Failure
from rocketd.core.visible import visible
from rocketd.daemon.wire import Json

_LESS: Final = "FRSXMK"
"""What systemctl(1) gives to less: quit if it fits, colours, chopped lines, no clearing, long prompt, end on Ctrl-C."""


class Terminal:
    """The two standard streams. That the reader of a pipe has left is no error and changes no exit code."""

    def __init__(self, environment: Mapping[str, str], *, pager: bool = True) -> None:
        self._environment = environment
        self.interactive = _is_terminal(sys.stdout)
        self._pager = _pager(environment) if pager and self.interactive else ""
        self.colour = self.interactive and not environment.get("NO_COLOR") and environment.get("TERM") != "dumb"
        size = _size(environment) if self.interactive else None
        self.columns = size.columns if size else None
        self._rows = size.lines if size else 0

    def show(self, lines: Sequence[str]) -> None:
        """Show lines that are ready for a terminal, through the pager if they do not fit."""
        if self._pager and len(lines) >= self._rows:
            _page(self._pager, "\n".join(lines) + "\n", self._environment)
        else:
            self.write(lines)

    def write(self, lines: Sequence[str]) -> bool:
        """Write such lines at once; False: nobody reads them any more."""
        return _write(sys.stdout, lines)

    def json(self, value: Json) -> None:
        """Write JSON, in ASCII so that nothing in it can reach the terminal raw: indented for people only."""
        _write(sys.stdout, [json.dumps(value, indent=2 if self.interactive else None)])

    def output(self, stream: str, line: str) -> None:
        """Pass on a line that a run printed to `stdout` or `stderr`."""
        _write(sys.stderr if stream == "stderr" else sys.stdout, [visible(line.expandtabs())])

    @staticmethod
    def note(line: str) -> None:
        """Say something beside the result."""
        _write(sys.stderr, [f"rocketctl: {visible(line)}"])

    def error(self, message: str, hint: str, quoted: Sequence[str] = ()) -> None:
        """Say what went wrong, and show where."""
        self.note(message)
        _write(sys.stderr, quoted)
        if hint:
            _write(sys.stderr, [f"hint: {visible(hint)}"])


def _write(stream: TextIO, lines: Sequence[str]) -> bool:
    """Write lines; False: its reader has left."""
    try:
        stream.write("".join(f"{line}\n" for line in lines))
        stream.flush()
    except BrokenPipeError:
        _to_nowhere(stream)
        return False
    except OSError as error:
        _to_nowhere(stream)  # or the interpreter would try again at its end
        msg = f"cannot write the output: {error.strerror}"
        raise Failure(msg) from error
    except UnicodeEncodeError:  # LC_ALL=C or so: better a question mark than a traceback
        return _write_encoded(stream, lines)
    return True


def _write_encoded(stream: TextIO, lines: Sequence[str]) -> bool:
    if isinstance(stream, TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")
    return _write(stream, lines)


def _to_nowhere(stream: TextIO) -> None:
    """From now on drop what is written there; also what the interpreter flushes at its end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def _is_terminal(stream: TextIO) -> bool:
    try:
        return stream.isatty()
    except ValueError:  # closed by whoever started us
        return False


def _size(environment: Mapping[str, str]) -> os.terminal_size:
    """Columns and rows; COLUMNS of the environment goes first, as everywhere."""
    columns = environment.get("COLUMNS", "")
    try:
        size = os.get_terminal_size(sys.stdout.fileno())
    except OSError:
        size = os.terminal_size((80, 24))
    wide = int(columns) if columns.isdecimal() else 0
    return os.terminal_size((wide or size.columns or 80, size.lines or 24))


def _pager(environment: Mapping[str, str]) -> str:
    """Choose as systemctl does: SYSTEMD_PAGER, PAGER, less; empty or `cat` means none."""
    for name in ("SYSTEMD_PAGER", "PAGER"):
        if name in environment:
            return "" if environment[name].strip() in {"", "cat"} else environment[name]
    return "less"


def _page(pager: str, text: str, environment: Mapping[str, str]) -> None:
    import shlex  # noqa: PLC0415 - these cost start-up time that only a pager is worth
    import signal  # noqa: PLC0415
    import subprocess  # noqa: PLC0415

    less = environment.get("SYSTEMD_LESS", _LESS)
    secure = {"LESS": less, "LESSSECURE": "1", "LESSCHARSET": "utf-8"}  # no shell out of root's pager
    held = signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the pager's
    try:
        command, raw = shlex.split(pager), text.encode(errors="backslashreplace")
        subprocess.run(command, input=raw, env={**environment, **secure}, check=False)  # noqa: S603 - the caller's choice
    except (OSError, ValueError):
        _write(sys.stdout, [text.removesuffix("\n")])
    finally:
        signal.signal(signal.SIGINT, held)
