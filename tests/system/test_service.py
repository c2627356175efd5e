"""The service as its administrator meets it: files, reload, status, journal, history."""

from support.machines.administrator import actions, await_end, await_next, give_task, history, printed, state
from support.machines.machine import Machine

HELLO = """
[task.hello]
command = ["echo", "Hello from hello"]
when = "daily"
"""
NOBODY = """
[task.who]
command = ["id"]
user = "nobody"
when = "daily"
"""
BROKEN = """
[task.broken]
command = ["true"]
when = "dayly"
"""
AGAIN = """
[task.again]
command = ["echo", "{word}"]
when = "every('1 second')"
"""


def test_a_dropped_file_runs_when_the_daemon_starts(machine: Machine) -> None:
    """It is recorded, told, and shown by `rocketctl history`."""
    machine.run("systemctl", "stop", "rocketd")
    machine.write("/etc/rocketd/hello.toml", HELLO)
    machine.run("systemctl", "start", "rocketd")
    (end,) = await_end(machine, "hello")
    (run,) = history(machine, "hello")
    assert (run["action"], run["exit_code"], run["number"]) == ("success", 0, 1)
    assert end["ROCKETD_RUN_ID"] == run["run_id"]


def test_a_reload_takes_up_an_edit_and_keeps_the_past(machine: Machine) -> None:
    give_task(machine, "again", AGAIN.format(word="first"))
    machine.await_journal("ROCKETD_TASK=again", "MESSAGE=first")
    before = machine.run("systemctl", "show", "--property=MainPID", "rocketd").stdout
    give_task(machine, "again", AGAIN.format(word="second"))
    machine.await_journal("ROCKETD_TASK=again", "MESSAGE=second")
    assert machine.run("systemctl", "show", "--property=MainPID", "rocketd").stdout == before
    assert history(machine, "again")[0]["number"] == 1


def test_a_broken_file_is_shown_and_stops_nothing(machine: Machine) -> None:
    """`systemctl status` counts it, the journal and `check` say what and where."""
    give_task(machine, "again", AGAIN.format(word="still here"))
    give_task(machine, "broken", BROKEN)
    await_next(machine, "again", 3)  # systemd is told at most once a second
    assert "1 problem" in state(machine)
    assert "1 problem" in machine.run("systemctl", "status", "rocketd").stdout
    check = machine.run("rocketctl", "check", check=False)
    assert check.returncode == 1
    assert "/etc/rocketd/broken.toml:4:" in check.stdout + check.stderr
    assert [entry for entry in machine.journal("ROCKETD_TASK=broken") if "dayly" in entry["MESSAGE"]]
    give_task(machine, "broken", BROKEN.replace("dayly", "daily"))
    await_end(machine, "broken")
    await_next(machine, "again", 3)
    assert "problem" not in state(machine)


def test_a_task_of_nobody_has_the_groups_of_a_login(machine: Machine) -> None:
    """And none of the daemon's."""
    give_task(machine, "who", NOBODY)
    await_end(machine, "who")
    assert printed(machine, "who") == [machine.run("id", user="nobody").stdout.strip()]


def test_a_run_by_hand_shows_its_output_and_its_end(machine: Machine) -> None:
    give_task(machine, "byhand", HELLO.replace("hello", "byhand").replace("daily", "false"))
    assert "Hello from byhand" in machine.run("rocketctl", "run", "byhand", "--wait").stdout
    assert actions(machine, "byhand") == ["success"]
