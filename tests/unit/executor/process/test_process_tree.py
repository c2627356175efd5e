"""Which processes belong to a run."""

import os
import signal
import subprocess
from pathlib import Path

from rocketd.executor.process.process_tree import (
    Process,
    ProcessSnapshot,
    ProcessTree,
    open_pidfd,
    read_process,
    send_signal,
)

BEYOND = 2**22
"""Linux numbers no process higher (proc(5), pid_max): the one that runs these tests is none of those made up here."""
RUN = ProcessTree("the-run", root=BEYOND + 100, since=50)


def process(  # noqa: PLR0913 - as many as a process has traits
    pid: int, *, parent: int = 1, session: int = 1, start: int = 60, run_id: str = "", alive: bool = True
) -> Process:
    return Process(BEYOND + pid, start, BEYOND + parent, BEYOND + session, BEYOND + session, run_id, alive)


def members(*processes: Process, tree: ProcessTree = RUN, known: tuple[Process, ...] = ()) -> set[int]:
    return {found.pid - BEYOND for found in ProcessSnapshot(processes).members_of(tree, known)}


def test_the_session_of_the_first_process_belongs_to_it() -> None:
    assert members(process(100, session=100), process(101, session=100), process(102, session=7)) == {100, 101}


def test_descendants_in_other_sessions_belong_to_it() -> None:
    tree = (process(100, session=100), process(101, parent=100, session=101), process(102, parent=101, session=102))
    assert members(*tree) == {100, 101, 102}


def test_an_orphan_in_another_session_is_known_by_its_environment() -> None:
    assert members(process(300, run_id="the-run"), process(301, run_id="another")) == {300}


def test_children_of_an_orphan_belong_to_it_whatever_their_environment() -> None:
    assert members(process(300, run_id="the-run"), process(301, parent=300)) == {300, 301}


def test_the_dead_do_not_count_but_their_children_do() -> None:
    assert members(process(100, session=100, alive=False), process(101, parent=100, session=101)) == {101}


def test_no_process_that_is_older_than_the_run_belongs_to_it() -> None:
    assert members(process(100, session=100, start=49)) == set()


def test_what_was_known_stays_known_when_its_parents_are_gone() -> None:
    orphan = process(300)
    assert members(orphan, process(301, parent=300), known=(orphan,)) == {300, 301}


def test_a_number_that_was_given_to_another_process_is_not_known() -> None:
    assert members(process(300, start=70), known=(process(300, start=60),)) == set()


def test_a_known_process_that_has_died_meanwhile_does_not_count() -> None:
    assert members(process(300, alive=False), known=(process(300),)) == set()


def test_without_a_first_process_only_the_environment_counts() -> None:
    tree = ProcessTree("the-run")
    assert members(process(100, session=0), process(300, run_id="the-run"), tree=tree) == {300}


def test_processes_without_a_mark_belong_to_no_run() -> None:
    assert members(process(300), tree=ProcessTree("")) == set()


def test_a_process_is_opened_by_its_number_and_its_start_time() -> None:
    this = read_process(os.getpid())
    assert this is not None
    pidfd = open_pidfd(this)
    assert pidfd is not None
    os.close(pidfd)


def test_a_signal_never_goes_to_another_process_of_the_same_number() -> None:
    this = read_process(os.getpid())
    assert this is not None
    earlier = this._replace(start=this.start - 1)
    assert open_pidfd(earlier) is None
    send_signal(earlier, signal.SIGKILL)


def test_there_is_nothing_to_read_of_a_process_that_is_gone() -> None:
    assert read_process(2**22 + 1) is None


def test_a_process_is_known_also_while_it_executes_a_program(tmp_path: Path) -> None:
    """Its environment seems empty for a moment then."""
    again = tmp_path / "again"
    again.write_text('exec /bin/sh "$0"\n')
    with subprocess.Popen(["/bin/sh", str(again)], env={"ROCKETD_RUN_ID": "the-run"}) as child:
        try:
            readings = [read_process(child.pid, 0) for _ in range(1000)]
        finally:
            child.kill()
    assert {reading and reading.run_id for reading in readings} == {"the-run"}
