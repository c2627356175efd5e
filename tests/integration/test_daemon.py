"""The daemon as a process: what it does from start to stop, and when it is killed in between."""

import os
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from rocketd.core.instant import Instant, instant_of
from rocketd.core.model.run import Action, Cause, Trigger
from support.daemon_process import Daemon

SLEEPER = '["/bin/sleep", "1000"]'


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    with Daemon(tmp_path) as made:
        yield made


def a_task(name: str, when: str = "false", command: str = '["/bin/true"]', more: str = "") -> str:
    return f"[task.{name}]\ncommand = {command}\nwhen = '''{when}'''\n{more}\n"


def utc(text: str) -> Instant:
    return instant_of(datetime.fromisoformat(text).replace(tzinfo=UTC))


def is_there(pid: int) -> bool:
    """Whether that process lives: a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


# -- start and stop


def test_a_task_runs_is_recorded_and_told(daemon: Daemon) -> None:
    daemon.write("a.toml", a_task("hello", "daily", '["/bin/echo", "hello", "world"]'))
    daemon.start()
    daemon.until_line("hello succeeded")
    assert daemon.stop() == 0
    (view,) = daemon.runs()
    assert (view.run.task, view.run.number, view.run.trigger) == ("hello", 1, Trigger.SCHEDULE)
    assert view.end is not None
    assert (str(view.action), view.end.exit_code, view.end.output) == ("success", 0, "hello world\n")
    assert any("hello | hello world" in line for line in daemon.lines)


def test_a_function_that_raises_about_a_file_whose_name_is_not_utf_8_harms_nobody(daemon: Daemon) -> None:
    (daemon.directory / "raising.py").write_text("def reads():\n    open('/none/caf\\udce9')\n")
    work = f'function = "raising:reads"\nenvironment = {{ PYTHONPATH = "{daemon.directory}" }}\n'
    daemon.write("a.toml", f'[task.reads]\n{work}when = "daily"\n')
    daemon.start()
    daemon.until_line("reads failed")
    assert daemon.stop() == 0
    (view,) = daemon.runs()
    assert view.end is not None
    assert "caf\\udce9" in view.end.message
    assert "caf\\udce9" in view.end.exc_text


def test_more_than_one_pass_starts_at_once_all_begin(daemon: Daemon) -> None:
    names = [f"t{number}" for number in range(40)]
    daemon.write("rocketd.toml", "[rocketd]\nmax_running = 100\nshutdown_grace = '0s'\n")
    daemon.write("a.toml", "".join(a_task(name, "daily", SLEEPER) for name in names))
    daemon.start()
    for name in names:
        daemon.until_line(f"{name} started")  # though none of the others ends
    assert daemon.stop() == 0
    assert sorted(view.run.task for view in daemon.runs()) == sorted(names)


def test_it_has_no_openssl_in_its_memory_at_rest(daemon: Daemon) -> None:
    daemon.write("a.toml", a_task("hello", "daily"))
    daemon.start()
    daemon.until_line("hello succeeded")
    mapped = {Path(line.split()[-1]).name for line in Path(f"/proc/{daemon.pid}/maps").read_text().splitlines()}
    assert [name for name in mapped if name.startswith(("libcrypto", "libssl", "_ssl", "_hashlib"))] == []
    assert daemon.stop() == 0


def test_it_has_no_socket_of_a_network(daemon: Daemon) -> None:
    daemon.write("a.toml", a_task("hello", "daily"))
    daemon.start()
    daemon.until_line("hello succeeded")
    process = Path(f"/proc/{daemon.pid}")
    own = {link for one in (process / "fd").iterdir() if (link := str(one.readlink())).startswith("socket:")}
    kinds = {
        kind
        for kind in ("unix", "tcp", "tcp6", "udp", "udp6", "udplite", "udplite6", "raw", "raw6", "packet")
        if (table := process / "net" / kind).exists()
        and any(f"socket:[{word}]" in own for word in table.read_text(errors="replace").split())
    }
    assert kinds == {"unix"}


def test_the_service_manager_hears_of_start_work_and_stop(daemon: Daemon) -> None:
    daemon.write("a.toml", a_task("hello", "daily", SLEEPER))
    daemon.start()
    daemon.until_notice("STATUS=1 task, 1 running")
    daemon.signal(signal.SIGTERM)
    daemon.until_notice("STOPPING=1")
    daemon.until_notice("EXTEND_TIMEOUT_USEC=")
    daemon.signal(signal.SIGTERM)
    assert daemon.wait() == 0


def test_a_stop_waits_for_runs_that_end_by_themselves(daemon: Daemon) -> None:
    daemon.write(
        "a.toml", a_task("slow", "daily", '"read line < fifo"', f"shell = true\ndirectory = '{daemon.directory}'")
    )
    daemon.write("b.toml", a_task("next", "after_success('slow')"))
    os.mkfifo(daemon.directory / "fifo")
    daemon.start()
    daemon.until_line("slow started")
    daemon.signal(signal.SIGTERM)
    daemon.until_line("stopping")
    (daemon.directory / "fifo").write_text("go on\n")
    assert daemon.wait() == 0
    assert daemon.history("slow") == [(1, 1, "success")]
    assert daemon.history("next") == [], "nothing new starts"


def test_a_run_that_outlasts_the_grace_is_stopped_and_runs_again_at_the_next_start(daemon: Daemon) -> None:
    daemon.write("rocketd.toml", "[rocketd]\nshutdown_grace = '100ms'\n")
    daemon.write("a.toml", a_task("slow", "daily", SLEEPER))
    daemon.start()
    daemon.until_line("slow started")
    assert daemon.stop() == 0
    (view,) = daemon.runs()
    assert view.end is not None
    assert (str(view.action), view.end.cause) == ("crash", Cause.SHUTDOWN)
    assert not is_there(view.pid)
    daemon.start()
    daemon.until_line("slow started", 2)
    daemon.stop_at_once()
    assert daemon.history() == [(1, 1, "crash"), (2, 2, "crash")]


def test_a_second_term_stops_at_once_even_what_ignores_it(daemon: Daemon) -> None:
    daemon.write("a.toml", a_task("stubborn", "daily", '''"trap '' TERM; echo ready; sleep 1000"''', "shell = true"))
    daemon.start()
    daemon.until_line("stubborn | ready")
    daemon.signal(signal.SIGTERM)
    daemon.until_line("stopping")
    daemon.signal(signal.SIGTERM)
    assert daemon.wait() == 0
    (view,) = daemon.runs()
    assert str(view.action) == "crash"
    assert not is_there(view.pid)


def test_tasks_run_at_startup_and_shutdown_and_after_a_boot(daemon: Daemon) -> None:
    for on in ("boot", "startup", "shutdown"):
        daemon.write(f"{on}.toml", a_task(f"at-{on}", more=f"on = '{on}'"))
    daemon.start()
    daemon.until_line("at-boot succeeded")
    daemon.until_line("at-startup succeeded")
    assert daemon.stop() == 0
    daemon.start()
    daemon.until_line("at-startup succeeded", 2)
    assert daemon.stop() == 0
    assert [len(daemon.runs(f"at-{on}")) for on in ("boot", "startup", "shutdown")] == [1, 2, 2]


def test_what_is_to_run_at_boot_runs_though_the_daemon_died_before_it_began(daemon: Daemon) -> None:
    daemon.write("rocketd.toml", "[rocketd]\nmax_running = 1\n")
    daemon.write("a.toml", a_task("long", command=SLEEPER, more="on = 'boot'\npriority = 1"))
    daemon.write("b.toml", a_task("waits", more="on = 'boot'"))
    daemon.start()
    daemon.until_line("long started")
    daemon.kill()
    daemon.start()
    daemon.until_line("waits succeeded")
    assert daemon.stop() == 0
    daemon.start()
    assert daemon.stop() == 0
    assert (len(daemon.runs("long")), len(daemon.runs("waits"))) == (1, 1), "once in a boot"


def test_usr1_writes_the_state_to_the_journal(daemon: Daemon) -> None:
    daemon.write("a.toml", a_task("holder", "daily", SLEEPER, "mutex = 'm'\npriority = 1"))
    daemon.write("b.toml", a_task("waiter", "daily", more="mutex = 'm'"))
    daemon.start()
    daemon.until_line("holder started")
    daemon.signal(signal.SIGUSR1)
    daemon.until_line("holder/1 has been running since")
    daemon.until_line("waiter has been due since")
    assert any("but cannot start: mutex " in line for line in daemon.lines), daemon.lines


# -- who may start


def test_a_second_daemon_on_the_same_state_is_refused_and_told_whose_it_is(daemon: Daemon, tmp_path: Path) -> None:
    daemon.start()
    (tmp_path / "second").mkdir()
    with Daemon(tmp_path / "second", f"--state-dir={daemon.state}") as second:
        assert second.spawn().wait() == 3
        assert f"PID {daemon.pid}" in second.lines[0]
    assert daemon.stop() == 0


def test_a_store_that_is_newer_is_refused_and_never_touched(daemon: Daemon) -> None:
    daemon.start()
    daemon.stop()
    path = daemon.state / "rocketd.db"
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("PRAGMA user_version = 999")
    database.close()
    before = path.read_bytes()
    assert daemon.spawn().wait() == 4
    assert "999" in daemon.lines[-2]
    assert path.read_bytes() == before


def test_a_state_directory_that_is_a_file_is_told_and_cannot_be_mended_by_another_try(daemon: Daemon) -> None:
    daemon.state.rmdir()
    daemon.state.write_text("")
    assert daemon.spawn().wait() == 4
    assert daemon.lines == [
        f"rocketd: {daemon.state} is not a directory",
        "hint: move it away, or give another --state-dir",
    ]


@pytest.mark.parametrize(
    "arguments", [["--log-level=loud"], ["--log-target=printer"], ["--nonsense"], ["something"], ["--state-dir"]]
)
def test_a_wrong_command_line_is_an_error_of_its_own(tmp_path: Path, arguments: list[str]) -> None:
    with Daemon(tmp_path, *arguments) as made:
        assert made.spawn().wait() == 2


# -- reload


def test_a_reload_takes_what_has_changed_and_leaves_what_runs_alone(daemon: Daemon) -> None:
    daemon.write("a.toml", a_task("slow", "daily", SLEEPER))
    daemon.write("b.toml", a_task("done", "daily"))
    daemon.start()
    daemon.until_line("slow started")
    daemon.until_line("done succeeded")
    (daemon.config / "a.toml").unlink()
    daemon.write("c.toml", a_task("fresh", "daily"))
    daemon.signal(signal.SIGHUP)
    daemon.until_line("fresh succeeded")
    daemon.until_notice("RELOADING=1")
    daemon.until_notice("MONOTONIC_USEC=")
    daemon.until_notice("READY=1", 2)
    (slow,) = daemon.runs("slow")
    assert str(slow.action) == "run"
    assert is_there(slow.pid)
    assert len(daemon.runs("done")) == 1


def test_a_broken_file_stops_nothing_and_its_last_good_tasks_stay(daemon: Daemon) -> None:
    daemon.write("a.toml", a_task("first", "daily"))
    daemon.write("b.toml", a_task("second", "after_success('first')"))
    daemon.write("c.toml", "[task.third]\ncommand = ['/bin/true']\nwhen = 'hourley'\n")
    daemon.start()
    daemon.until_line("second succeeded")
    daemon.until_line("c.toml:3:9: error: task 'third': ")
    daemon.until_line("did you mean hourly?")
    daemon.until_notice("1 problem in task files")
    daemon.write("a.toml", "this is no TOML")
    daemon.write("c.toml", a_task("third", "daily"))
    daemon.signal(signal.SIGHUP)
    daemon.until_line("third succeeded")
    daemon.until_line("reloaded: 3 tasks, 1 problem")


def test_reloads_in_a_row_end_in_what_the_files_say(daemon: Daemon) -> None:
    daemon.start()
    for number in range(20):
        daemon.write("a.toml", a_task(f"t{number}", "daily"))
        daemon.signal(signal.SIGHUP)
    daemon.write("z.toml", a_task("last", "daily"))
    daemon.signal(signal.SIGHUP)
    daemon.until_line("last succeeded")
    daemon.until_line("t19 succeeded")
    assert daemon.stop() == 0


def test_a_condition_that_comes_with_a_reload_knows_what_has_happened_before(daemon: Daemon) -> None:
    daemon.write("a.toml", a_task("often", "every('100 ms')", more="restart_delay = '1 ms'"))
    daemon.start()
    daemon.until_line("often succeeded", 4)
    daemon.write("a.toml", a_task("often"))
    daemon.signal(signal.SIGHUP)
    daemon.until_line("reloaded")
    daemon.write("b.toml", a_task("counting", "(started('often').today >= 3) & daily"))
    daemon.signal(signal.SIGHUP)
    daemon.until_line("counting succeeded")


def test_a_task_that_comes_back_with_a_reload_is_what_it_was(daemon: Daemon) -> None:
    """Its file was away when the daemon started, and its records are so old that they are gone."""
    daemon.write("a.toml", a_task("away", "daily"))
    daemon.start()
    daemon.until_line("away succeeded")
    daemon.stop()
    with closing(sqlite3.connect(daemon.state / "rocketd.db")) as database, database:
        database.execute("DELETE FROM log")
        database.execute("UPDATE task_state SET paused = 1, paused_by = 'uid 0'")
    database.close()
    (daemon.config / "a.toml").unlink()
    daemon.start()
    daemon.write("a.toml", a_task("away", "daily") + a_task("other", "daily"))
    daemon.signal(signal.SIGHUP)
    daemon.until_line("other succeeded")
    daemon.stop()
    with closing(sqlite3.connect(daemon.state / "rocketd.db")) as database, database:
        kept = database.execute("SELECT name, paused, next_number FROM task_state ORDER BY name").fetchall()
    database.close()
    assert kept == [("away", 1, 2), ("other", 0, 2)]
    assert daemon.history() == [(1, 1, "success")], "of the other"


# -- what the store says of other times


def test_what_was_due_while_the_daemon_was_down_is_missed_and_says_from_when_to_when(daemon: Daemon) -> None:
    """It was down since its last sign of life, and not only since its last record."""
    daemon.write("a.toml", a_task("gone", "cron('0 3 * * *', within='1 s')"))
    daemon.start()
    daemon.stop()
    alive, armed = utc("2026-01-01 12:00"), utc("2025-12-01")
    with closing(sqlite3.connect(daemon.state / "rocketd.db")) as database, database:
        database.execute("UPDATE task_state SET armed_at = ?", (armed,))
        database.execute("UPDATE alive SET at = ?, recorded = ?", (alive, armed))
    database.close()
    daemon.start()
    daemon.until_line("scheduled runs missed (rocketd was down from ")
    daemon.stop()
    (missed,) = daemon.runs("gone")
    assert missed.run.due == utc("2026-01-02 03:00")
    assert "rocketd was down from 2026-01-01 12:00:00 to " in missed.run.reason


@pytest.mark.parametrize("when", ["every('1s')", "secondly", "cron('* * * * * *')"])
def test_what_a_hung_run_keeps_from_starting_is_told_in_one_record(daemon: Daemon, when: str) -> None:
    """It is reported as it begins, and complete at its end; each second makes no line in the journal."""
    seconds = """["/bin/sh", "-c", "while sleep 1; do echo a second; done"]"""
    daemon.write("a.toml", a_task("hung", when, seconds))
    daemon.start()
    daemon.until_line("hung: 1 scheduled run missed (still running)")
    daemon.until_line("a second", 5)
    daemon.stop_at_once()
    missed = [view for view in daemon.runs("hung") if view.action is Action.MISSED]
    assert len(missed) == 1
    assert missed[0].run.reason.startswith("still running")
    lines = [line for line in daemon.lines if "missed (still running)" in line]
    assert len(lines) == 2
    recorded = int(missed[0].run.reason.partition("still running; ")[2].split()[0])
    assert f"hung: {recorded} scheduled runs missed" in lines[1]
    assert recorded >= 3


def test_a_task_whose_records_lie_far_ahead_is_named_at_the_start(daemon: Daemon) -> None:
    daemon.write("a.toml", a_task("ahead", "daily") + a_task("fine", "daily"))
    daemon.start()
    daemon.until_line("ahead succeeded")
    daemon.until_line("fine succeeded")
    daemon.stop()
    with closing(sqlite3.connect(daemon.state / "rocketd.db")) as database, database:
        database.execute('UPDATE log SET created = created + 86400, "end" = "end" + 86400 WHERE task_name = \'ahead\'')
    database.close()
    daemon.start()
    daemon.stop()
    named = [line for line in daemon.lines if "more than 3 h in the future" in line]
    assert len(named) == 1
    assert "ahead: " in named[0]


# -- kill -9


def test_what_a_killed_daemon_left_behind_is_stopped_before_the_task_runs_again(daemon: Daemon) -> None:
    daemon.write(
        "a.toml", a_task("slow", "daily", '"(setsid sleep 1000 &) ; echo begun $$; sleep 1000"', "shell = true")
    )
    daemon.start()
    daemon.until_line("slow | begun")
    first = next(int(line.split()[-1]) for line in daemon.lines if "slow | begun" in line)
    daemon.kill()  # perhaps before its pid is recorded: then its run id tells whose it was
    assert is_there(first), "nobody but the next daemon stops it here"
    daemon.start()
    daemon.until_line("slow | begun", 2)
    assert not is_there(first)
    one, two = daemon.runs()
    assert one.end is not None
    assert (str(one.action), one.end.cause, one.run.attempt) == ("crash", Cause.DOWN, 1)
    assert (str(two.action), two.run.attempt) == ("run", 2)
    assert _tagged(one.run.run_id) == []
    assert len(_tagged(two.run.run_id)) >= 2
    daemon.stop_at_once()
    assert _tagged(two.run.run_id) == []


def _tagged(run_id: str) -> list[int]:
    """The processes that carry that run's id in their environment."""
    found = []
    for directory in Path("/proc").glob("[0-9]*"):
        try:
            if f"ROCKETD_RUN_ID={run_id}".encode() in (directory / "environ").read_bytes():
                found.append(int(directory.name))
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
    return found


def test_what_was_done_before_a_kill_is_not_done_again_and_the_schedule_goes_on(daemon: Daemon) -> None:
    daemon.write(
        "a.toml", a_task("once", "daily") + a_task("often", "every('1s')") + a_task("chain", "after_success('once')")
    )
    daemon.start()
    daemon.until_line("chain succeeded")
    daemon.until_line("often succeeded")
    daemon.kill()
    daemon.start()
    daemon.until_line("often succeeded", 3)
    daemon.kill()
    assert len(daemon.runs("once")) == 1
    assert len(daemon.runs("chain")) == 1
    numbers = [number for number, _, _ in daemon.history("often")]
    assert numbers == list(range(1, len(numbers) + 1))


def test_an_ended_run_is_in_the_store_before_anybody_hears_of_it(daemon: Daemon) -> None:
    """Each end that the console tells is recorded, though the daemon is killed in the middle of all that."""
    daemon.write("a.toml", "".join(a_task(f"t{n}", "every('1s')") for n in range(20)))
    daemon.start()
    daemon.until_line("succeeded", 50)
    daemon.kill()
    told = [line.split()[1] for line in daemon.lines if "succeeded" in line]
    kept = [view.run.task for view in daemon.runs() if str(view.action) == "success"]
    for name in set(told):
        assert kept.count(name) >= told.count(name)


def test_many_tasks_due_at_once_run_once_each(daemon: Daemon) -> None:
    daemon.write("rocketd.toml", "[rocketd]\nmax_running = 1000\n")
    daemon.write("a.toml", "".join(a_task(f"t{n}", "daily") for n in range(300)))
    daemon.start()
    daemon.until_line("succeeded", 300)
    assert daemon.stop() == 0
    assert sorted(view.run.task for view in daemon.runs()) == sorted(f"t{n}" for n in range(300))


# -- the watchdog and the store


def test_the_heartbeat_goes_on_while_the_store_is_away_and_nothing_is_lost(tmp_path: Path) -> None:
    with Daemon(tmp_path, environment={"WATCHDOG_USEC": "400000"}) as daemon:
        daemon.write("a.toml", a_task("often", "every('1s')"))
        daemon.start()
        daemon.until_line("often succeeded")
        daemon.until_notice("WATCHDOG=1", 3)
        blocker = sqlite3.connect(daemon.state / "rocketd.db", isolation_level=None)
        blocker.execute("BEGIN IMMEDIATE")
        daemon.until_notice("degraded: ")
        daemon.until_line("cannot write the run log")
        seen = sum("WATCHDOG=1" in notice for notice in daemon.notices)
        daemon.until_notice("WATCHDOG=1", seen + 5)
        before = sum("often started" in line for line in daemon.lines)
        blocker.execute("ROLLBACK")
        blocker.close()
        daemon.until_line("the run log is writable again")
        daemon.until_line("often started", before + 1)
        assert daemon.stop() == 0
        assert {action for _, _, action in daemon.history()} <= {"success", "withdrawn", "missed"}


def test_nothing_of_the_daemons_own_reaches_a_task(daemon: Daemon) -> None:
    daemon.write("a.toml", a_task("nosy", "daily", '"env; ls -l /proc/self/fd"', "shell = true"))
    daemon.start()
    daemon.until_line("nosy succeeded")
    (view,) = daemon.runs()
    assert view.end is not None
    assert "NOTIFY_SOCKET" not in view.end.output
    assert "rocketd.db" not in view.end.output
    descriptors = [line.split()[-3] for line in view.end.output.splitlines() if " -> " in line]
    assert descriptors == ["0", "1", "2", "3"], "3 is what ls itself opened"
