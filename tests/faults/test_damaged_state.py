"""State that somebody damaged while the daemon was down: it starts, says what is wrong, and nothing runs twice."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon_process import Daemon
from ledger import NOTE, ledger
from rocketd.store.set_aside import FILE_NAME as ASIDE
from rocketd.store.spool_file import FILE_NAME as SPOOL

TASKS = """
[task.often]
command = "{note}"
shell = true
when = "every('200 ms')"
restart_delay = "1 ms"

[task.day]
command = "{note}"
shell = true
when = "daily"
"""


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    """One that has run both tasks, and was stopped."""
    with Daemon(tmp_path, environment={"WATCHDOG_USEC": "400000"}) as made:
        made.write("tasks.toml", TASKS.format(note=NOTE % tmp_path))
        made.start()
        made.until_line("day succeeded")
        made.until_line("often succeeded", 2)
        assert made.stop() == 0
        made.lines.clear()
        made.notices.clear()
        yield made


def check_that_nothing_ran_twice(daemon: Daemon) -> None:
    begun = ledger(daemon.directory)
    keys = [(one.task, one.number) for one in begun]
    assert len(set(keys)) == len(keys)
    assert [one.number for one in begun if one.task == "day"] == [1]


def test_a_foreign_line_in_the_spool_is_told_at_every_start_and_tasks_run(daemon: Daemon) -> None:
    (daemon.state / SPOOL).write_text('[{"kind":"Bogus"}]\n')
    for _ in range(2):
        daemon.start()
        daemon.until_line("often succeeded", 2)
        assert any(str(daemon.state / ASIDE) in line for line in daemon.lines)
        assert not any("0 problems" in line for line in daemon.lines)
        daemon.until_notice(str(daemon.state / ASIDE))
        assert daemon.stop() == 0
        daemon.lines.clear()
        daemon.notices.clear()
    (daemon.state / ASIDE).unlink()
    daemon.start()
    daemon.until_line("often succeeded")
    assert any("0 problems" in line for line in daemon.lines)
    assert daemon.stop() == 0
    check_that_nothing_ran_twice(daemon)
