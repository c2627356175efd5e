"""Pictures of rocketctl in a terminal, made from what it really prints: `python -m docgen.terminal_pictures DIRECTORY`.

The tasks below are decided by the scheduler itself for some days before NOW, their runs are recorded in a store, and
rocketctl shows it at that time (libfaketime), in a terminal of its own.
"""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from html import escape
from pathlib import Path
from typing import Final, NamedTuple

from rocketd.config import load
from rocketd.core.instant import DAY, SECOND, Duration, Instant
from rocketd.core.model.events import Finished, Started
from rocketd.core.model.run import Action, Cause, End, Run
from rocketd.core.scheduler.forecast import ExpectedRun, Forecast
from rocketd.core.scheduler.scheduler import Scheduler
from rocketd.store.sqlite.store import SqliteStore

NOW: Final = "2026-11-27 09:12:30"
DAYS: Final = 4
PICTURES: Final = {
    "list": (80, ["list"]),
    "why": (118, ["why", "report"]),
    "timeline": (100, ["timeline", "--day", "2026-11-27"]),
}
"""By name: how wide the terminal is, in columns, and the words after `rocketctl`."""
TASKS: Final = """
[task.backup]
command = ["/bin/true"]
when = "(daily | retry(3, delay='20 min')) & time_of_day.between('01:00', '05:00')"
[task.extract]
command = ["/bin/true"]
when = "daily.after('06:00') & time_of_week.between('Mon', 'Fri')"
[task.load]
command = ["/bin/true"]
when = "after_success('extract')"
[task.report]
command = ["/bin/true"]
when = "after_success('load') & time_of_day.after('10:00')"
[task.mirror]
command = ["/bin/true"]
when = "every('45 min')"
[task.rotate]
command = ["/bin/true"]
when = "weekly.on('Sunday')"
"""
LENGTHS: Final = {"backup": 3120, "extract": 1260, "load": 2280, "report": 95, "mirror": 410, "rotate": 12}
"""Seconds that a run takes."""
FAILS: Final = {("backup", 5), ("backup", 6), ("mirror", 104)}
"""The runs that fail, by task and number."""

_SGR: Final = re.compile(r"\x1b\[([0-9;]*)m")
_OTHER: Final = re.compile(r"\x1b\[[0-9;?]*[A-Za-ln-z]|\r")
_WORDS: Final = re.compile(r"\S+(?: \S+)*")
_COLOURS: Final = {
    "31": "#e5534b", "32": "#57ab5a", "33": "#c69026", "34": "#539bf5", "35": "#b083f0", "36": "#39c5cf",
    "90": "#768390",
}  # fmt: skip
_CELL, _LINE, _MARGIN = 8.4, 19, 16
"""Pixels."""


class Span(NamedTuple):
    """A text in one style: the codes of ECMA-48, SGR."""

    text: str
    codes: frozenset[str]


def main() -> None:
    """Write the pictures."""
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        here = Path(scratch)
        (here / "tasks.toml").write_text(TASKS, encoding="utf-8")
        (here / "tasks.toml").chmod(0o644)
        record(here, at=_instant(NOW))
        for name, (columns, words) in PICTURES.items():
            drawn = picture(f"rocketctl {' '.join(words)}", printed(here, words, columns), columns)
            (target / f"{name}.svg").write_text(drawn, encoding="utf-8")


def _instant(text: str) -> Instant:
    os.environ["TZ"] = "UTC"
    time.tzset()
    return round(time.mktime(time.strptime(text, "%Y-%m-%d %H:%M:%S"))) * SECOND


def record(directory: Path, at: Instant) -> None:
    """Let the scheduler decide, and record what it would have recorded."""
    tasks = load([directory], strict=False).tasks
    scheduler = Scheduler(host="host", new_run_id=lambda _: f"{next(numbers):032x}", next_steps=0)
    numbers = iter(range(1, sys.maxsize))
    begin = at - at % DAY - DAYS * DAY
    states = scheduler.load(tasks, begin, {})
    with closing(SqliteStore(directory, durability="normal")) as store:
        store.write(states)
        for run in Forecast(scheduler, begin, _course).runs(at):
            store.write([Started(run)])
            length, action = _course(run)
            if run.start + length < at:
                store.write([Finished(run, _end(run, length, action))])


def _course(run: Run) -> ExpectedRun:
    action = Action.FAIL if (run.task, run.number) in FAILS else Action.SUCCESS
    return ExpectedRun(LENGTHS[run.task] * SECOND, action)


def _end(run: Run, length: Duration, action: Action) -> End:
    code = 1 if action is Action.FAIL else 0
    return End(action, Cause.EXIT, run.start + length, exit_code=code, runtime=length)


def printed(directory: Path, words: list[str], columns: int) -> str:
    """Return what rocketctl prints to a terminal at NOW."""
    reader, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    (library,) = Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")
    environment = {
        "PATH": os.environ["PATH"], "TERM": "xterm-256color", "LANG": "C.UTF-8", "TZ": "UTC",
        "LD_PRELOAD": str(library), "FAKETIME": NOW,
    }  # fmt: skip
    program = [sys.executable, "-m", "rocketd.cli.rocketctl", f"--config-dir={directory}", f"--state-dir={directory}"]
    subprocess.run(  # noqa: S603 - nothing comes from elsewhere
        [*program, f"--runtime-dir={directory}", "--no-pager", *words],
        stdout=terminal, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, env=environment, check=False, timeout=60,
    )  # fmt: skip
    os.close(terminal)
    with os.fdopen(reader, "rb") as file:
        parts = []
        try:
            while part := file.read1():
                parts.append(part)
        except OSError:  # EIO: there is no more
            pass
    return b"".join(parts).decode()


def spans(line: str) -> Iterator[Span]:
    """Split a line into texts of one style each."""
    codes: frozenset[str] = frozenset()
    at = 0
    for found in _SGR.finditer(line):
        if found.start() > at:
            yield Span(line[at : found.start()], codes)
        new = {code.lstrip("0") or "0" for code in found[1].split(";")}
        codes = frozenset(new - {"0"}) | (frozenset() if "0" in new else codes)
        at = found.end()
    if at < len(line):
        yield Span(line[at:], codes)


def wrapped(line: Iterable[Span], columns: int) -> list[list[Span]]:
    """Break a line where a terminal would."""
    rows: list[list[Span]] = [[]]
    room = columns
    for text, codes in line:
        rest = text
        while len(rest) > room:
            rows[-1].append(Span(rest[:room], codes))
            rest, room = rest[room:], columns
            rows.append([])
        rows[-1].append(Span(rest, codes))
        room -= len(rest)
    return rows


def picture(command: str, output: str, columns: int) -> str:
    """Draw a terminal that shows a command and what it printed, as SVG."""
    lines = [[Span(f"$ {command}", frozenset())]]
    for line in _OTHER.sub("", output).rstrip("\n").split("\n"):
        lines += wrapped(spans(line), columns)
    width, height = round(columns * _CELL + 2 * _MARGIN), len(lines) * _LINE + 2 * _MARGIN
    size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    fonts = "ui-monospace, SFMono-Regular, Menlo, DejaVu Sans Mono, monospace"
    drawn = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="{escape(command)} in a terminal">',
        f'<rect width="{width}" height="{height}" rx="8" fill="#22272e"/>',
        f'<g font-family="{fonts}" font-size="14" fill="#cdd9e5">',
    ]
    for number, row in enumerate(lines):
        y, column = _MARGIN + number * _LINE + 14, 0
        for text, codes in row:
            for words in _WORDS.finditer(text):
                x, long = _MARGIN + (column + words.start()) * _CELL, len(words[0]) * _CELL
                drawn.append(
                    f'<text x="{x:.1f}" y="{y}" textLength="{long:.1f}"{_style(codes)}>{escape(words[0])}</text>'
                )
            column += len(text)
    return "\n".join([*drawn, "</g>", "</svg>", ""])


def _style(codes: frozenset[str]) -> str:
    colour = next((_COLOURS[code] for code in codes if code in _COLOURS), "")
    dim = ' opacity="0.6"' if "2" in codes else ""
    return (f' fill="{colour}"' if colour else "") + (' font-weight="bold"' if "1" in codes else "") + dim


if __name__ == "__main__":
    main()
