"""The ledger that tasks keep themselves: each run appends a line of its own, whatever the records say.

What has been in a ledger line was begun, and cannot be taken back: so it is what the store is measured against.
"""

import shutil
import sqlite3
from collections import Counter
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from rocketd.store.sqlite.schema import FILE_NAME
from support.daemon_process import Daemon

NOTE = "echo $ROCKETD_TASK $ROCKETD_NUMBER $ROCKETD_RUN_ID >>%s/ledger"
"""One write(2) with O_APPEND: no line is ever half there, and none overwrites another."""

ENDED = ("succeeded", "failed", "was stopped", "was interrupted")
"""How the console tells an end."""


class Begun(NamedTuple):
    """A line of the ledger."""

    task: str
    number: int
    run_id: str


class Record(NamedTuple):
    """A row of the run log."""

    task: str
    number: int
    action: str
    run_id: str


def ledger(directory: Path) -> list[Begun]:
    """Read what has really begun."""
    path = directory / "ledger"
    lines = path.read_text().splitlines() if path.exists() else []
    return [Begun(task, int(number), run_id) for task, number, run_id in map(str.split, lines)]


def records(state: Path) -> list[Record]:
    """Read the run log, by SQLite alone and from a copy: who opens what a killed daemon left mends it."""
    if not (state / FILE_NAME).exists():
        return []
    with TemporaryDirectory() as directory, closing(sqlite3.connect(_copied(state, Path(directory)))) as database:
        if database.execute("PRAGMA user_version").fetchone() == (0,):
            return []
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        rows = database.execute(
            "SELECT task_name, number, action, run_id FROM log WHERE action <> 'missed' ORDER BY id"
        )
        return [Record(*row) for row in rows]


def _copied(state: Path, directory: Path) -> Path:
    for path in state.glob(f"{FILE_NAME}*"):
        shutil.copyfile(path, directory / path.name)
    return directory / FILE_NAME


def open_runs(state: Path) -> list[tuple[str, int]]:
    """Read which runs are open."""
    with closing(sqlite3.connect(state / FILE_NAME)) as database:
        return database.execute("SELECT task, number FROM open_run").fetchall()


def tagged(run_ids: set[str]) -> list[int]:
    """Name the living processes that carry one of these run ids in their environment."""
    found = []
    for directory in Path("/proc").glob("[0-9]*"):
        try:
            environment = (directory / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if any(f"ROCKETD_RUN_ID={run_id}".encode() in environment for run_id in run_ids):
            found.append(int(directory.name))
    return found


def told(lines: Iterable[str]) -> Counter[str]:
    """Count the ends that the console has told, by task."""
    words = [line.split(" ", 2) for line in lines if "|" not in line]
    return Counter(word[1] for word in words if len(word) > 2 and word[2].startswith(ENDED))


def reconcile(daemon: Daemon, ends_told: Counter[str] | None = None) -> tuple[int, int]:
    """Hold ledger, records and what was told against each other; gives how many runs each of the first two knows.

    Nothing twice, nothing begun without a record or in spite of one, no end lost that was told: by the daemon's lines,
    unless counted already.
    """
    begun, log = ledger(daemon.directory), records(daemon.state)
    twice = [key for key, count in Counter((one.task, one.number) for one in begun).items() if count > 1]
    assert not twice, f"begun twice: {twice}"
    starts = {(one.task, one.number): one.run_id for one in log if one.action == "run"}
    unrecorded = [one for one in begun if starts.get((one.task, one.number)) != one.run_id]
    assert not unrecorded, f"begun without a record: {unrecorded}"
    ends = Counter((one.task, one.number) for one in log if one.action != "run")
    assert all(count == 1 for count in ends.values()), f"more than one end: {ends}"
    assert set(ends) <= set(starts), "an end of what never began"
    lost = (told(daemon.lines) if ends_told is None else ends_told) - Counter(task for task, _ in ends)
    assert not lost, f"ends that were told and are not recorded: {lost}"
    withdrawn = {(one.task, one.number) for one in log if one.action == "withdrawn"}
    assert not withdrawn & {(one.task, one.number) for one in begun}, "begun, and recorded as not begun"
    return len(begun), len(starts.keys() - withdrawn)


def reconcile_at_rest(daemon: Daemon, ends_told: Counter[str] | None = None) -> tuple[int, int]:
    """As `reconcile`, of a daemon that stopped well: nothing is open, no process is left, every start has its end."""
    counts = reconcile(daemon, ends_told)
    log = records(daemon.state)
    assert open_runs(daemon.state) == []
    assert 2 * sum(one.action == "run" for one in log) == len(log), "a start without an end"
    assert tagged({one.run_id for one in log}) == []
    numbers: dict[str, list[int]] = {}
    for one in log:
        if one.action == "run":
            numbers.setdefault(one.task, []).append(one.number)
    assert all(found == list(range(1, len(found) + 1)) for found in numbers.values()), "numbers count from 1"
    return counts
