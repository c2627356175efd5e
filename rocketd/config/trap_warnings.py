"""Warnings about tasks that do what they say, and still cause trouble: many at one moment, no timeout, an upgrade."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from rocketd.config.cross_file_checks import TaskMistake
from rocketd.config.problems import Mistake
from rocketd.core.conditions.alternatives import alternatives_of
from rocketd.core.conditions.time_conditions import Tick
from rocketd.core.instant import DAY, Instant, datetime_of
from rocketd.core.model.executor_choice import choose_executor
from rocketd.core.model.task import Command, ExecutorKind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rocketd.core.model.task import Task

CROWD: Final = 20
"""How many tasks may start at one moment without a warning."""
_TICKS: Final = 24
"""How many ticks of a task to look at."""
_NAMED: Final = 5

_NETWORK: Final = re.compile(
    r"(?<![\w./-])(?:[\w./-]{0,200}/)?(curl|wget|ssh|scp|sftp|lftp|rclone|gsutil)(?![\w./-])"
    r"|(?<![\w./-])(rsync)\b(?=[^|;&]{0,1000}\s[\w.@-]{1,200}::?)"
)
_BOUNDED: Final = re.compile(r"(?<![\w-])(?:timeout\s|--max-time\b|-m\s?\d|ConnectTimeout)")
_UPGRADE: Final = re.compile(
    r"\b(?:apt|apt-get|aptitude)\b[^|;&]{0,200}\b(?:upgrade|dist-upgrade|full-upgrade)\b|\bunattended-upgrades?\b"
    r"|\b(?:dnf|yum|zypper)\b[^|;&]{0,200}\b(?:update|upgrade|up|dup)\b|\bdpkg\b[^|;&]{0,200}\s(?:-i|--install)\b"
    r"|\bapt\.systemd\.daily install\b"
)


def trap_warnings(tasks: Mapping[str, Task], now: Instant, executor: ExecutorKind) -> Iterator[TaskMistake]:
    """Find them; `executor` is what `[rocketd]` says."""
    yield from _crowds(tasks, now)
    for task in tasks.values():
        if not isinstance(task.work, Command):
            continue
        text = " ".join(task.work.argv)[:10_000]
        if task.timeout is None and (found := _NETWORK.search(text)) and not _BOUNDED.search(text):
            yield _warning(
                task,
                "command",
                "timeout",
                f"{found[1] or found[2]} talks to a network, and the task has no timeout: "
                "if the other side hangs, so does the task, and it misses its runs",
                'write timeout = "1h", or ignore_warnings = ["timeout"]',
            )
        if _UPGRADE.search(text) and choose_executor(task, executor, missing="").kind is ExecutorKind.PROCESS:
            yield _warning(
                task,
                "command",
                "upgrade",
                "this may upgrade rocketd, which restarts it and ends this run in the middle",
                'write executor = "unit", so that the run outlives the restart, or ignore_warnings = ["upgrade"]',
            )


def _warning(task: Task, key: str, kind: str, message: str, hint: str) -> TaskMistake:
    return TaskMistake(task, Mistake(("task", task.name, key), message, hint, severity="warning", kind=kind))


def _crowds(tasks: Mapping[str, Task], now: Instant) -> Iterator[TaskMistake]:
    """Warn once of each set of tasks whose ticks fall on one moment within a day."""
    at: dict[Instant, list[Task]] = {}
    for task in tasks.values():
        if not task.splay and "crowd" not in task.ignored_warnings:
            for tick in _ticks(task, now):
                at.setdefault(tick, []).append(task)
    seen: set[str] = set()
    for tick, crowd in sorted(at.items()):
        names = [task.name for task in crowd]
        if len(crowd) > CROWD and not seen.issuperset(names):
            seen.update(names)
            some = ", ".join(names[1 : _NAMED + 1])
            yield _warning(
                crowd[0],
                "when",
                "crowd",
                f"{len(crowd)} tasks start at {datetime_of(tick, crowd[0].zone):%a %H:%M:%S}: this one, {some}, …",
                'spread them: splay = "10 min" in [defaults]; or ignore_warnings = ["crowd"]',
            )


def _ticks(task: Task, now: Instant) -> Iterator[Instant]:
    """Yield the next ticks of a task, those of a day at most."""
    lines = {literal.word for branch in alternatives_of(task.when) for literal in branch if literal.holds}
    for word in lines:
        if isinstance(word, Tick):
            tick = word.ticks.next(now, task.zone)
            for _ in range(_TICKS):
                if tick is None or tick > now + DAY:
                    break
                yield tick
                tick = word.ticks.next(tick, task.zone)
