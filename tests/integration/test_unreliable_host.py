"""What the host does not answer, or does not know yet: nothing else waits for it, and it is looked at again.

Each daemon has a task every 200 ms, which must go on, and is stopped in the end, which must not take long.
"""

import signal
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.daemon_process import Daemon
from support.task_files import root_only
from support.unreliable_host import NameService, dead

pytestmark = root_only

GOOD = '[task.good]\ncommand = ["/bin/true"]\nwhen = "every(\'200 ms\')"\n'
GHOST = '[task.ghost]\ncommand = ["/bin/true"]\nuser = "ghost"\n'
DAILY = GHOST + 'when = "daily"\n'
RUN = "ghost started"


@pytest.fixture
def names(tmp_path: Path) -> NameService:
    return NameService(tmp_path / "names")


@pytest.fixture
def daemon(tmp_path: Path, names: NameService) -> Iterator[Daemon]:
    with Daemon(tmp_path, environment=names.environment) as made:
        made.write("good.toml", GOOD)
        yield made


@pytest.fixture
def place(tmp_path: Path) -> Path:
    found = tmp_path / "dead"
    found.mkdir()
    return found


def goes_on(daemon: Daemon) -> None:
    """Wait until the good task has run three times more."""
    seen = sum("good succeeded" in line for line in daemon.lines)
    daemon.until_line("good succeeded", seen + 3)


def reload(daemon: Daemon) -> None:
    """Have the files read again, and wait until that is done."""
    seen = sum("reloaded:" in line for line in daemon.lines)
    daemon.signal(signal.SIGHUP)
    daemon.until_line("reloaded:", seen + 1)


def heard(daemon: Daemon, text: str) -> Callable[[], bool]:
    return lambda: any(text in line for line in [*daemon.lines, *daemon.notices])


def test_a_user_that_comes_after_the_start_has_its_tasks_run_without_a_reload(
    daemon: Daemon, names: NameService
) -> None:
    daemon.write("a.toml", DAILY + '[task.beside]\ncommand = ["/bin/true"]\nwhen = "daily"\n')
    daemon.start()
    daemon.until_line("task 'ghost': there is no user 'ghost' on this host")
    daemon.until_line("beside succeeded")
    names.add("ghost")
    daemon.until_line("the host has changed: 1 task loaded")
    daemon.until_line("ghost succeeded")
    goes_on(daemon)
    assert daemon.stop() == 0
    assert daemon.history("ghost") == [(1, 1, "success")]


def test_a_daily_task_that_comes_late_does_not_run_twice(daemon: Daemon, names: NameService) -> None:
    daemon.write("a.toml", DAILY)
    names.add("ghost")
    daemon.start()
    daemon.until_line("ghost succeeded")
    assert daemon.stop() == 0
    names.remove("ghost")
    daemon.start()
    daemon.until_line("there is no user 'ghost'")
    names.add("ghost")
    daemon.until_line("the host has changed: 1 task loaded")
    goes_on(daemon)
    assert daemon.stop() == 0
    assert daemon.history("ghost") == [(1, 1, "success")]


@pytest.mark.parametrize("occasion", ["startup", "boot"])
def test_what_runs_at_the_start_or_in_each_boot_runs_when_it_comes_late(
    daemon: Daemon, names: NameService, occasion: str
) -> None:
    daemon.write("a.toml", f'{GHOST}on = "{occasion}"\n')
    daemon.start()
    names.add("ghost")
    daemon.until_line(f"ghost started: on {occasion}")
    daemon.until_line("ghost succeeded")
    names.remove("ghost")
    reload(daemon)
    names.add("ghost")
    daemon.until_line("the host has changed: 1 task loaded", 2)
    goes_on(daemon)
    assert daemon.stop() == 0
    assert daemon.history("ghost") == [(1, 1, "success")]


def test_what_runs_once_in_a_boot_runs_at_the_next_start_if_its_user_comes_between(
    daemon: Daemon, names: NameService
) -> None:
    daemon.write("a.toml", f'{GHOST}on = "boot"\n')
    daemon.start()
    daemon.until_line("there is no user 'ghost'")
    assert daemon.stop() == 0
    names.add("ghost")
    daemon.start()
    daemon.until_line("ghost succeeded")
    assert daemon.stop() == 0
    daemon.start()
    goes_on(daemon)
    assert daemon.stop() == 0
    assert daemon.history("ghost") == [(1, 1, "success")]


@pytest.mark.parametrize("what", ["ghost", "groups-of-ghost"])
def test_a_name_service_that_hangs_at_start_holds_up_nobody_for_long(
    daemon: Daemon, names: NameService, what: str
) -> None:
    names.add("ghost")
    names.hang(what)
    daemon.write("a.toml", DAILY)
    daemon.spawn()
    daemon.until(heard(daemon, "waiting: the name service, looking up"))
    daemon.until_notice("STATUS=waiting: the name service, looking up")
    daemon.until_notice("READY=1")
    daemon.until_line("task 'ghost': the name service does not answer")
    goes_on(daemon)
    daemon.until(heard(daemon, "degraded: the name service, looking up"))
    names.answer(what)
    daemon.until_line("ghost succeeded")
    assert daemon.stop() == 0


def test_a_name_service_that_hangs_in_a_reload_stops_no_later_reload_and_no_stop(
    daemon: Daemon, names: NameService
) -> None:
    daemon.write("a.toml", DAILY)
    names.add("ghost")
    daemon.start()
    daemon.until_line("ghost succeeded")
    names.hang("ghost")
    daemon.write("a.toml", GHOST + 'description = "new"\n')
    daemon.signal(signal.SIGHUP)
    daemon.until(heard(daemon, "waiting: the name service, looking up user 'ghost'"))
    goes_on(daemon)
    daemon.until_line("the name service does not answer: user 'ghost' cannot be looked up")
    daemon.until_line("reloaded: 2 tasks, 1 problem")  # it stays as it was
    for _ in range(5):
        reload(daemon)
    goes_on(daemon)
    assert daemon.stop() == 0


def test_a_stop_does_not_wait_for_a_reload_that_hangs(daemon: Daemon, names: NameService) -> None:
    daemon.write("a.toml", DAILY)
    daemon.start()
    names.hang("ghost")
    daemon.signal(signal.SIGHUP)
    daemon.until(heard(daemon, "waiting: the name service"))
    assert daemon.stop() == 0
    assert not any("reloaded" in line for line in daemon.lines)


def test_a_group_of_the_control_socket_that_is_not_answered(daemon: Daemon, names: NameService) -> None:
    names.hang("rocketd")
    daemon.start()
    daemon.until_line("the name service does not answer for group rocketd; only root can use rocketctl")
    goes_on(daemon)
    assert daemon.stop() == 0


@pytest.mark.parametrize("hangs", [False, True])
def test_the_group_of_the_control_socket_is_admitted_as_soon_as_it_is_known(
    tmp_path: Path, names: NameService, *, hangs: bool
) -> None:
    """Nobody restarts a daemon because a package has made a group, or a directory service is up at last."""
    with Daemon(tmp_path, environment={**names.environment, "WATCHDOG_USEC": "2000000"}) as daemon:
        if hangs:
            names.hang("rocketd")
        daemon.start()
        daemon.until_line("; only root can use rocketctl")
        path = daemon.runtime / "control.sock"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        names.add_group("rocketd", 54321)
        if hangs:
            names.answer("rocketd")
        daemon.until_line("group rocketd exists now: its members can use rocketctl")
        assert (stat.S_IMODE(path.stat().st_mode), path.stat().st_gid) == (0o660, 54321)
        assert daemon.stop() == 0
        assert sum("group rocketd" in line for line in daemon.lines) == 2


def test_a_user_who_is_gone_runs_nothing_any_more(daemon: Daemon, names: NameService) -> None:
    names.add("ghost")
    daemon.write("a.toml", GHOST + "when = \"every('200 ms')\"\n")
    daemon.start()
    daemon.until_line("ghost succeeded")
    names.remove("ghost")
    reload(daemon)
    daemon.until_line("there is no user 'ghost'")
    names.add("ghost")
    daemon.until_line("the host has changed: 1 task loaded")
    assert daemon.stop() == 0


def test_a_directory_of_task_files_that_hangs_is_read_when_it_answers(daemon: Daemon, place: Path) -> None:
    """Also behind a symbolic link, which nobody can see from its name."""
    link = daemon.directory / "link"
    link.symlink_to(place)
    daemon._arguments += (f"--config-dir={link}",)  # noqa: SLF001 - ours
    with dead(place):
        daemon.spawn()
        daemon.until_notice("READY=1")
        daemon.until_line(f"{link}:1:1: error: this does not answer: its file system hangs")
        goes_on(daemon)
        reload(daemon)
    (place / "late.toml").write_text('[task.late]\ncommand = ["/bin/true"]\non = "startup"\n')
    daemon.until_line("late succeeded")
    assert daemon.stop() == 0


def test_a_program_and_a_directory_on_a_file_system_that_hangs_hold_up_no_load(daemon: Daemon, place: Path) -> None:
    link = daemon.directory / "link"
    link.symlink_to(place)
    paths = [f'[task.t{number}]\ncommand = ["{link}/{number}/x"]\ndirectory = "{link}"\n' for number in range(50)]
    with dead(place):
        daemon.write("a.toml", "".join(paths))
        daemon.start()
        daemon.until(heard(daemon, f"degraded: {link}"))
        goes_on(daemon)
        reload(daemon)
        assert daemon.stop() == 0


def test_a_daemon_that_has_been_told_to_stop_while_its_files_hang_is_gone(daemon: Daemon, place: Path) -> None:
    daemon._arguments += (f"--config-dir={place}",)  # noqa: SLF001 - ours
    with dead(place):
        daemon.spawn()
        daemon.until_line("waiting: ")
        daemon.signal(signal.SIGTERM)
        assert daemon.wait() == -signal.SIGTERM


def memory(daemon: Daemon) -> int:
    """The most it has taken, in MiB."""
    status = Path(f"/proc/{daemon.pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) // 1024


@pytest.mark.parametrize("name", ["long.toml", "rocketd.toml"])
def test_a_file_of_one_long_line_costs_no_memory_and_holds_up_nobody(daemon: Daemon, name: str) -> None:
    daemon.start()
    goes_on(daemon)
    before = memory(daemon)
    for megabytes in (60, 10, 1):
        daemon.write(name, "\0" * (megabytes * 1024**2 - 1000))
        reload(daemon)
        assert memory(daemon) - before < 32
    goes_on(daemon)
    assert max(map(len, daemon.lines)) < 4_000
    assert daemon.stop() == 0
    daemon.start()
    goes_on(daemon)
    assert daemon.stop() == 0


def test_very_many_mistakes_are_told_in_part(daemon: Daemon) -> None:
    daemon.start()
    for number in range(20):
        daemon.write(f"{number}.toml", "".join(f"k{one} = 1\n" for one in range(10_000)))
    reload(daemon)
    goes_on(daemon)
    assert sum("does not belong in a task file" in line for line in daemon.lines) == 2_000
    assert daemon.stop() == 0
