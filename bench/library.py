"""Functions as runs: ten tasks that are always due, in a program of rocketd's, of Rocketry's, and of APScheduler's.

They take turns, several times, so that whatever else the host does shows in all of them. Rocketry needs Pydantic 1,
and has an environment of its own.
"""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from figures import Spread
from library_work import TASKS

HEADS: Final = ("", "rocketd", "Rocketry", "Rocketry, `cycle_sleep=0`", "APScheduler 3, no records")
_HERE: Final = Path(__file__).parent
_ROCKETRY: Final = Path(sys.prefix) / "rocketry/bin/python"
_TIME: Final = 120.0
"""Seconds that a program may take."""


class _Program(NamedTuple):
    file: str
    interpreter: Path = Path(sys.executable)
    cycle_sleep: float = 0.1
    """Rocketry's own."""


class _Setting(NamedTuple):
    execution: str
    runs: int
    """Of each task."""


_PROGRAMS: Final = (
    _Program("library_rocketd.py"),
    _Program("library_rocketry.py", _ROCKETRY),
    _Program("library_rocketry.py", _ROCKETRY, cycle_sleep=0),
    _Program("library_apscheduler.py"),
)
_SETTINGS: Final = (
    _Setting("main", 50),
    _Setting("async", 50),
    _Setting("thread", 50),
    _Setting("process", 10),
    _Setting("process", 40),
)


class _Result(NamedTuple):
    seconds: float
    cpu: float


def library(directory: Path, *, quick: bool) -> list[Spread]:
    """Runs a second from the start of the scheduler on, and CPU time per run."""
    return [figure for setting in _SETTINGS for figure in _measure(directory, setting, rounds=1 if quick else 3)]


def _measure(directory: Path, setting: _Setting, *, rounds: int) -> list[Spread]:
    turns = [[_run(directory, program, setting) for program in _PROGRAMS] for _ in range(rounds)]
    results: Sequence[Sequence[_Result]] = [*zip(*turns, strict=True)]
    runs = TASKS * setting.runs
    what = f"`{setting.execution}`, {runs} runs"
    rates = [[runs / one.seconds for one in each] for each in results]
    cpu = [[one.cpu * 1000 for one in each] for each in results]
    return [Spread(what, "runs/s", rates, "library"), Spread(what, "ms of CPU per run", cpu, "library")]


def _run(directory: Path, program: _Program, setting: _Setting) -> _Result:
    notes = directory / "notes"
    notes.unlink(missing_ok=True)
    request = [setting.execution, str(TASKS * setting.runs), str(notes), str(program.cycle_sleep)]
    call = [str(program.interpreter), "-W", "ignore", str(_HERE / program.file), *request]
    environment = {**os.environ, "PYTHONPATH": str(_HERE)}
    ended = subprocess.run(call, env=environment, check=True, timeout=_TIME, stdout=subprocess.PIPE)
    return _Result(**json.loads(ended.stdout.splitlines()[-1]))
