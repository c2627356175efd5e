"""A power cut on a disk that loses what was not synced, at every write and sync of a real daemon (lossy_disk.py).

At every one of them with ROCKETD_KILLS=all, as in `make kill`; else at one in seven.
"""

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import NamedTuple

import pytest

from rocketd.store.sqlite.store import SqliteStore
from support.daemon_process import Daemon
from support.lossy_disk import Call, Disk, calls, tracing
from support.run_ledger import Record, records

pytestmark = pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace(1)")

EVERY = 1 if os.environ.get("ROCKETD_KILLS") == "all" else 7

TASKS = """
[task.first]
command = ["/bin/true"]
on = "startup"

[task.second]
command = ["/bin/false"]
when = "after_finish('first') | retry(3, delay='1 ms')"
"""


class Promised(NamedTuple):
    """What the world has seen of it: processes that were started, ends that were told."""

    begun: int = 0
    told: int = 0

    def after(self, call: Call) -> "Promised":
        """Count what that call showed."""
        if not call.done and call.name == "clone3" and "CLONE_VFORK" in call.arguments:
            return self._replace(begun=self.begun + 1)
        if not call.done and call.name == "write" and call.arguments.startswith("1<"):
            ends = sum(call.strings[0].count(word) for word in (b" succeeded", b" failed"))
            return self._replace(told=self.told + ends)
        return self


def traced(directory: Path, durability: str) -> list[Call]:
    """Have a daemon live through a few runs, and note what it asks of the kernel."""
    with Daemon(directory) as daemon:
        daemon.write("rocketd.toml", f"[store]\ndurability = '{durability}'\n")
        daemon.write("tasks.toml", TASKS)
        daemon.wrapper = tracing(directory / "trace")
        daemon.start()
        daemon.until_line("second failed", 4)
        daemon.signal(signal.SIGTERM)
        assert daemon.wait() == 0
    return list(calls((directory / "trace").read_text().splitlines()))


def cuts(directory: Path, durability: str) -> Iterator[tuple[Promised, list[Record]]]:
    """What had been promised and what is found, for power cuts at every point of that life."""
    disk, promised, chance = Disk(directory / "lib"), Promised(), Random(5)  # noqa: S311 - the same cuts each time
    points = 0
    for place, call in enumerate(traced(directory, durability)):
        before, promised = promised, promised.after(call)
        if not disk.take(call) and promised == before:
            continue
        points += 1
        if points % EVERY == 0:
            for kept in (0.0, 0.5, 1.0):
                target = directory / f"cut-{place}-{kept}"
                target.mkdir()
                disk.after_cut(target, chance, kept)
                SqliteStore(target).close()
                yield promised, records(target)
                shutil.rmtree(target)


def test_a_write_that_another_thread_interrupts_is_noted_at_its_place() -> None:
    """Else the disk is damaged by its own model."""
    lines = [
        r'7 pwrite64(5</s/rocketd.db-wal>, "\x61", 1, 41256 <unfinished ...>',
        "8 fdatasync(3</s/lock>) = 0",
        "7 <... pwrite64 resumed>) = 1",
        r'7 pwrite64(5</s/rocketd.db-wal>, "\x61", 1, 41257) = 1',
    ]
    assert [call.numbers for call in calls(lines) if call.name == "pwrite64"] == [[1, 41256]] * 2 + [[1, 41257]] * 2


def test_with_full_durability_nothing_that_began_or_was_told_is_lost(tmp_path: Path) -> None:
    found = 0
    for promised, log in cuts(tmp_path, "full"):
        assert sum(one.action == "run" for one in log) >= promised.begun
        assert sum(one.action != "run" for one in log) >= promised.told
        found = max(found, len(log))
    assert found == 10, "one run, and one with three retries"


def test_with_normal_durability_the_newest_may_go_but_the_store_is_whole(tmp_path: Path) -> None:
    """It also shows that such a disk takes what was not synced: the test above can fail."""
    found = list(cuts(tmp_path, "normal"))
    assert any(sum(one.action == "run" for one in log) < promised.begun for promised, log in found)
    whole = max((log for _, log in found), key=len)
    assert all(log == whole[: len(log)] for _, log in found), "what is missing is the newest"
