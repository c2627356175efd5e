"""The output of `rocketctl`: a terminal, with a pager if needed; or a pipe, whose reader may close it at any time."""

import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from io import TextIOWrapper
from itertools import chain
from typing import IO, Final

from rocketd.cli.exit_codes import Failure
from rocketd.core.escaping import visible
from rocketd.daemon.json_format import Json

_LESS: Final = "FRSXMK"
"""What systemctl(1) gives to less: quit if it fits, colours, chopped lines, no clearing, long prompt, end on Ctrl-C."""


class Terminal:
    """The two standard streams. A closed pipe is not an error and does not change the exit code."""

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
        self.show_parts(iter([lines]))

    def show_parts(self, parts: Iterator[Sequence[str]]) -> None:
        """Show such lines as they arrive."""
        held: list[str] = []
        while self._pager and len(held) < self._rows:
            part = next(parts, None)
            if part is None:
                self.write(held)
                return
            held += part
        if self._pager:
            _page(self._pager, chain([held], parts), self._environment)
        else:
            _write_all(sys.stdout, parts)

    def write(self, lines: Sequence[str]) -> bool:
        """Write such lines at once; False: the pipe was closed."""
        return _write(sys.stdout, lines)

    def json(self, value: Json) -> None:
        """Write JSON, in ASCII so that nothing in it can reach the terminal raw: indented for people only."""
        _write(sys.stdout, [self._json(value)])

    def json_parts(self, parts: Iterator[Sequence[Json]]) -> None:
        """Write an array in the same way, its elements as they arrive."""
        before = "["
        for part in filter(None, parts):
            if not _write_text(sys.stdout, before + self._json([*part])[1:-1].rstrip("\n")):
                return
            before = "," if self.interactive else ", "
        after = "\n]" if self.interactive else "]"
        _write(sys.stdout, ["[]" if before == "[" else after])

    def _json(self, value: Json) -> str:
        return json.dumps(value, indent=2 if self.interactive else None)

    def output(self, stream: str, line: str) -> None:
        """Pass on a line that a run printed to `stdout` or `stderr`."""
        _write(sys.stderr if stream == "stderr" else sys.stdout, [visible(line.expandtabs())])

    @staticmethod
    def note(line: str) -> None:
        """Write a note to standard error."""
        _write(sys.stderr, [f"rocketctl: {visible(line)}"])

    def error(self, message: str, hint: str, quoted: Sequence[str] = ()) -> None:
        """Write an error, its place and its hint to standard error."""
        self.note(message)
        _write(sys.stderr, quoted)
        if hint:
            _write(sys.stderr, [f"hint: {visible(hint)}"])


def _write(stream: IO[str], lines: Sequence[str]) -> bool:
    """Write lines; False: the pipe was closed."""
    return _write_text(stream, "".join(f"{line}\n" for line in lines))


def _write_all(stream: IO[str], parts: Iterable[Sequence[str]]) -> None:
    """Write lines as they arrive, until the pipe is closed."""
    for part in parts:
        if not _write(stream, part):
            return


def _write_text(stream: IO[str], text: str) -> bool:
    try:
        stream.write(text)
        stream.flush()
    except BrokenPipeError:
        _to_nowhere(stream)
        return False
    except OSError as error:
        _to_nowhere(stream)  # else the interpreter would try again at its exit
        msg = f"cannot write the output: {error.strerror}"
        raise Failure(msg) from error
    except UnicodeEncodeError:  # LC_ALL=C or so: better a question mark than a traceback
        return _write_encoded(stream, text)
    return True


def _write_encoded(stream: IO[str], text: str) -> bool:
    if isinstance(stream, TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")
    return _write_text(stream, text)


def _to_nowhere(stream: IO[str]) -> None:
    """Drop what is written there from now on, including what the interpreter flushes at its exit."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def _is_terminal(stream: IO[str]) -> bool:
    try:
        return stream.isatty()
    except ValueError:  # closed by whoever started us
        return False


def _size(environment: Mapping[str, str]) -> os.terminal_size:
    """Return columns and rows; the variable COLUMNS has precedence."""
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


def _page(pager: str, parts: Iterable[Sequence[str]], environment: Mapping[str, str]) -> None:
    import shlex  # noqa: PLC0415 - these cost start-up time that only a pager is worth
    import signal  # noqa: PLC0415
    import subprocess  # noqa: PLC0415

    less = environment.get("SYSTEMD_LESS", _LESS)
    secure = {"LESS": less, "LESSSECURE": "1", "LESSCHARSET": "utf-8"}  # no shell out of root's pager
    held = signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the pager's
    try:
        paging = subprocess.Popen(  # noqa: S603 - the caller's choice
            shlex.split(pager),
            stdin=subprocess.PIPE,
            encoding="utf-8",
            errors="backslashreplace",
            env={**environment, **secure},
        )
    except (OSError, ValueError):
        _write_all(sys.stdout, parts)
    else:
        with paging:
            _write_all(paging.stdin or sys.stdout, parts)
    finally:
        signal.signal(signal.SIGINT, held)
