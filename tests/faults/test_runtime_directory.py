"""A runtime directory that cannot be made, or is gone: tasks run, it is told, and the socket comes once it can."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.daemon_process import Daemon
from support.run_ledger import NOTE, reconcile_at_rest

TASKS = """
[task.often]
command = "{note}"
shell = true
when = "every('200 ms')"
restart_delay = "1 ms"
[task.boot]
command = ["/bin/true"]
on = "boot"
"""


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    with Daemon(tmp_path, environment={"WATCHDOG_USEC": "400000"}) as made:
        made.write("tasks.toml", TASKS.format(note=NOTE % tmp_path))
        yield made


def be_a_file(runtime: Path) -> Callable[[], object]:
    runtime.rmdir()
    runtime.write_text("")
    return runtime.unlink


def lie_under_a_file(runtime: Path) -> Callable[[], object]:
    runtime.rmdir()
    real = runtime.with_name("real")
    real.write_text("")
    runtime.symlink_to(real / "run")

    def mend() -> None:
        real.unlink()
        (real / "run").mkdir(parents=True)

    return mend


def lead_nowhere(runtime: Path) -> Callable[[], object]:
    runtime.rmdir()
    runtime.symlink_to(runtime.with_name("nowhere"))
    return runtime.unlink


def lead_in_a_circle(runtime: Path) -> Callable[[], object]:
    runtime.rmdir()
    runtime.symlink_to(runtime)
    return runtime.unlink


def hold_something_else(runtime: Path) -> Callable[[], object]:
    (runtime / "control.sock").mkdir()
    return (runtime / "control.sock").rmdir


BAD = [be_a_file, lie_under_a_file, lead_nowhere, lead_in_a_circle, hold_something_else]


def goes_on(daemon: Daemon) -> None:
    daemon.until_line("often succeeded", sum("often succeeded" in line for line in daemon.lines) + 3)


@pytest.mark.parametrize("spoil", BAD)
def test_tasks_run_without_it_and_the_socket_comes_once_it_can(
    daemon: Daemon, spoil: Callable[[Path], Callable[[], object]]
) -> None:
    mend = spoil(daemon.runtime)
    daemon.start()
    goes_on(daemon)
    daemon.until_line("boot succeeded")
    daemon.until_notice("rocketctl cannot reach rocketd until this is corrected")
    assert sum("rocketctl cannot reach rocketd" in line for line in daemon.lines) == 1, "told once, in the journal"
    assert not any("0 problems" in line or "Traceback" in line for line in daemon.lines)
    mend()
    daemon.until((daemon.runtime / "control.sock").is_socket)
    goes_on(daemon)
    assert daemon.stop() == 0
    begun, recorded = reconcile_at_rest(daemon)
    assert begun == recorded - 1, "but boot, which keeps no ledger"


def test_what_runs_once_in_a_boot_does_so_without_it(daemon: Daemon) -> None:
    be_a_file(daemon.runtime)
    for _ in range(2):
        daemon.start()
        goes_on(daemon)
        daemon.kill()
    assert sum("boot started" in line for line in daemon.lines) == 1


def remove_socket(runtime: Path) -> None:
    (runtime / "control.sock").unlink()


@pytest.mark.parametrize("remove", [remove_socket, shutil.rmtree])
def test_a_socket_that_somebody_removes_is_opened_again(daemon: Daemon, remove: Callable[[Path], None]) -> None:
    daemon.start()
    socket = daemon.runtime / "control.sock"
    daemon.until(socket.is_socket)
    remove(daemon.runtime)
    daemon.until(socket.is_socket)
    goes_on(daemon)
    assert daemon.stop() == 0
    assert not os.path.lexists(socket)


def test_a_runtime_directory_of_another_daemon_is_left_alone(daemon: Daemon, tmp_path: Path) -> None:
    daemon.start()
    other = tmp_path / "other"
    other.mkdir()
    with Daemon(other, f"--runtime-dir={daemon.runtime}") as second:
        assert second.spawn().wait() == 3
        assert second.lines[-2].endswith(f"another rocketd holds the runtime directory {daemon.runtime}")
    assert daemon.stop() == 0
