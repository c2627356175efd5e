"""Runs as units of a real systemd: what they are, what nobody else sees of them, and what is refused."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.machines.administrator import await_end, give_task, history
from support.machines.inside import TESTS, pytest_packages, run_tests
from support.machines.machine import Machine

SETTINGS = "[rocketd]\nmax_running = 400\n"
PAGE = TESTS.parent / "docs/how-to/units.md"
ODD_WORDS = ["", "a b", "\n", '"', "'", ";", "%n", "%%", "$HOME", "$$", "@x", "-", "\\x41", "é", "{}", "*"]


@pytest.fixture
def machine(tree: Path, installed: Path, tmp_path: Path) -> Iterator[Machine]:
    """A booted Debian where all runs that can be are units."""
    packages = pytest_packages(tmp_path / "packages")
    with Machine(tmp_path / "disk", installed, tree, binds=[TESTS, packages]) as machine:
        machine.write("/etc/rocketd/rocketd.toml", SETTINGS)
        machine.run("systemctl", "restart", "rocketd")
        yield machine


def run(machine: Machine, task: str) -> str:
    """Run it to its end, and return what `run --wait` shows."""
    return machine.run("rocketctl", "run", task, "--wait", check=False).stdout


def task(name: str, command: object, **settings: object) -> str:
    """A task as it is written in a file."""
    lines = [f"{key} = {toml(value)}" for key, value in {"command": command, **settings}.items()]
    return "\n".join([f"[task.{name}]", *lines, ""])


def toml(value: object) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{toml(key)} = {toml(one)}" for key, one in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def shell(name: str, script: str, **settings: object) -> str:
    return task(name, script, **{"shell": True, **settings})


def test_the_executor_keeps_the_promises_of_its_port(machine: Machine, tmp_path: Path) -> None:
    machine.run("systemctl", "stop", "rocketd")
    done = run_tests(machine, tmp_path / "packages", "-k", "unit", str(TESTS / "contract/test_executor.py"))
    assert re.search(r"\d+ passed\b", done)
    assert "failed" not in done
    assert "skipped" not in done


def test_arguments_input_and_environment_arrive_unchanged(machine: Machine) -> None:
    show = "import json, os, sys; print(json.dumps([sys.argv[1:], os.environ['V'], len(sys.stdin.read())]))"
    value = " \"'`$HOME %n \\ \t é"
    argv = ["/usr/bin/python3", "-c", show, *ODD_WORDS]
    give = {"environment": {"V": value}, "parameters": {"text": "x" * 1_000_000}, "user": "nobody"}
    give_task(machine, "odd", task("odd", argv, **give))
    size = len(json.dumps({"text": ""})) + 1_000_000
    assert json.loads(run(machine, "odd")) == [ODD_WORDS, value, size]


def test_a_run_has_what_its_task_says(machine: Machine) -> None:
    script = "id -un; id -gn; pwd; umask; nice; ulimit -n; ulimit -f; echo $HOME; exit 4"
    limits = {"nofile": 77, "fsize": 512 * 100}
    give = {"user": "backup", "group": "users", "directory": "/srv", "umask": "0077", "nice": 5, "limits": limits}
    give_task(machine, "who", shell("who", script, **give))
    assert run(machine, "who").split() == ["backup", "users", "/srv", "0077", "5", "77", "100", "/var/backups"]
    assert history(machine, "who")[0]["exit_code"] == 4


def test_nobody_else_can_read_a_secret_of_a_task(machine: Machine) -> None:
    """By no way that systemd or /proc offers; its arguments are everybody's, as always."""
    give = {"environment": {"PASSWORD": "secret-value"}, "parameters": {"pin": "secret-input"}}
    give_task(machine, "vault", shell("vault", "echo begun; exec sleep 1000", **give))
    machine.run("rocketctl", "run", "vault")
    machine.await_journal("ROCKETD_TASK=vault", "MESSAGE=begun")
    unit = "rocketd-vault-1.service"
    look = f"""
        systemctl show {unit}; systemctl cat {unit}; systemctl status {unit}
        cat /run/systemd/transient/{unit}; cat /run/rocketd/units/*; ls /run/rocketd/units
        cat /proc/$(systemctl show --value -p MainPID {unit})/environ; true
    """
    assert "secret-value" in machine.sh(f"cat /proc/$(systemctl show --value -p MainPID {unit})/environ")
    assert "secret-" not in machine.run("sh", "-c", look, user="nobody").stdout
    assert "secret-" not in machine.run("sh", "-c", look.partition("cat /proc")[0]).stdout  # the request is gone


def test_what_a_user_puts_in_the_place_of_an_environment_file_holds_up_nobody(machine: Machine) -> None:
    """A FIFO is not opened, and root's file is not read, whatever leads there."""
    machine.sh(
        "install -d -o nobody /srv/n; mkfifo /srv/n/fifo; ln -s /etc/shadow /srv/n/link; chown -h nobody /srv/n/*"
    )
    tasks = [shell(name, "env", user="nobody", environment_files=[f"/srv/n/{name}"]) for name in ("fifo", "link")]
    give_task(machine, "files", "".join(tasks))
    for name in ("fifo", "link"):
        run(machine, name)
    messages = [str(history(machine, name)[0]["message"]) for name in ("fifo", "link")]
    assert messages == [
        "cannot start: environment file /srv/n/fifo: not a regular file",
        "cannot start: environment file /srv/n/link: Permission denied",
    ]
    assert machine.run("systemctl", "is-system-running").stdout == "running\n"


def test_what_cannot_be_started_says_why(machine: Machine) -> None:
    tasks = task("missing", ["/no/such/program"]) + shell("lost", "true", directory="/no/such/directory")
    give_task(machine, "bad", tasks + shell("stranger", "true", user="4711", group="users"))
    for name in ("missing", "lost", "stranger"):
        run(machine, name)
    assert history(machine, "missing")[0]["message"] == "cannot start: /no/such/program: No such file or directory"
    assert (
        history(machine, "lost")[0]["message"]
        == "cannot start: directory /no/such/directory: No such file or directory"
    )
    said = str(history(machine, "stranger")[0]["message"])
    assert "step USER" in said or "user credentials" in said, "each version of systemd has words of its own"


def test_a_unit_that_somebody_else_stops_is_recorded_so_and_isolate_stops_none(machine: Machine) -> None:
    give_task(machine, "long", shell("long", "echo begun; exec sleep 1000"))
    machine.run("rocketctl", "run", "long")
    machine.await_journal("ROCKETD_TASK=long", "MESSAGE=begun")
    machine.run("systemctl", "isolate", "multi-user.target")
    assert history(machine, "long")[0]["action"] == "run"
    machine.run("systemctl", "stop", "rocketd-long-1.service")
    await_end(machine, "long", "terminate")
    (ended,) = history(machine, "long")
    assert (ended["signal"], ended["message"]) == (15, "its unit was stopped, but not by rocketd")
    machine.run("rocketctl", "run", "long")
    machine.await_journal("ROCKETD_TASK=long", "ROCKETD_NUMBER=2", "MESSAGE=begun")
    machine.run("systemctl", "restart", "rocketd-long-2.service", check=False)
    await_end(machine, "long", "terminate", count=2)
    assert str(history(machine, "long")[1]["message"]).startswith("its unit was restarted, but not by rocketd")
    assert len(machine.journal("ROCKETD_TASK=long", "ROCKETD_NUMBER=2", "MESSAGE=begun")) == 1


def test_a_unit_of_that_name_that_is_not_ours_is_left_alone(machine: Machine) -> None:
    machine.run("systemd-run", "--unit=rocketd-job-1", "sleep", "1000")
    give_task(machine, "job", task("job", ["true"]))
    run(machine, "job")
    assert "rocketd-job-1.service exists already" in str(history(machine, "job")[0]["message"])
    assert machine.run("systemctl", "is-active", "rocketd-job-1").stdout == "active\n"


def test_a_name_of_128_characters_is_no_trouble(machine: Machine) -> None:
    name = "a" + "-b._" * 31 + "xyz"
    give_task(machine, "name", task(f'"{name}"', ["echo", "here"]))
    assert run(machine, name) == "here\n"


def test_300_runs_at_once_all_end_and_leave_no_unit(machine: Machine) -> None:
    give_task(machine, "many", "".join(task(f"t{number}", ["true"], when="daily") for number in range(300)))
    machine.await_journal("ROCKETD_ACTION=success", count=300)
    runs = json.loads(machine.run("rocketctl", "history", "--json", "--limit", "1000").stdout)
    assert sorted(one["action"] for one in runs) == ["success"] * 300
    machine.run("systemctl", "restart", "rocketd")  # who stops has collected what it recorded
    assert machine.run("systemctl", "list-units", "--all", "--no-legend", "rocketd-*-*.service").stdout == ""
    assert machine.sh("ls /run/rocketd/units") == ""


def test_all_output_is_in_the_journal_in_order_and_shown_while_somebody_waits(machine: Machine) -> None:
    count = "i=0; while [ $i -lt 2000 ]; do echo $i; echo e$i >&2; i=$((i+1)); done"
    give_task(machine, "print", shell("print", count, user="backup"))
    expected = [line for number in range(2000) for line in (str(number), f"e{number}")]
    assert run(machine, "print").split() == expected
    assert machine.run("rocketctl", "log", "print", "--json").stdout.count('"MESSAGE"') == len(expected)
    printed = machine.journal("ROCKETD_TASK=print", "ROCKETD_STREAM=stdout", "SYSLOG_IDENTIFIER=print")
    assert [entry["MESSAGE"] for entry in printed] == expected
    assert str(history(machine, "print")[0]["output"]).endswith("1999\ne1999\n")


FOLLOWER = """
import json, socket
def asked(line):
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(60)
    connection.connect("/run/rocketd/control.sock")
    connection.sendall(f"{line} HTTP/1.0\\r\\n\\r\\n".encode())
    answer = connection.makefile()
    while answer.readline().strip():
        pass
    return answer
run_id = json.load(asked("POST /v1/tasks/talk/run"))["run_id"]
lines = asked(f"GET /v1/runs/{run_id}/output?follow=true")
for line in lines:
    one = json.loads(line)
    print(one.get("line", one.get("event", one)))
    if one.get("line") == "3000":
        tail = json.load(asked(f"GET /v1/runs/{run_id}"))["output"]
        print("tail", tail.split()[-1])
        open("/run/fifo", "w").write("\\n")
"""


def test_the_output_of_a_unit_can_be_read_from_its_beginning_while_it_goes_on(machine: Machine) -> None:
    """Lines that are printed while the tail is read are in it, and follow as well: each is shown once."""
    machine.run("mkfifo", "/run/fifo")
    talk = "i=0; while [ $i -lt 3000 ]; do i=$((i+1)); echo $i; done; read x </run/fifo; echo end"
    give_task(machine, "talk", shell("talk", talk))
    said = machine.run("python3", "-c", FOLLOWER).stdout.split("\n")
    assert said == [*map(str, range(1, 3001)), "tail 3000", "end", "end", ""]


def test_whoever_follows_misses_no_line_when_the_journal_goes_on_in_another_file(machine: Machine) -> None:
    """As with the first line of a user, and after a rotation."""
    machine.run("useradd", "--uid", "1000", "alice")
    count = "i=0; while [ $i -lt 300 ]; do echo $i; i=$((i+1)); done"
    rotate = f"{count}; journalctl --rotate; {count}; journalctl --rotate; {count}"
    give_task(machine, "print", shell("first", count, user="alice") + shell("rotating", rotate))
    expected = [str(number) for number in range(300)]
    assert run(machine, "first").split() == expected
    assert run(machine, "rotating").split() == 3 * expected


def test_the_documented_commands_show_everything_of_all_runs_and_of_one(machine: Machine) -> None:
    """Word for word: what rocketd says, and what runs print, whatever carries them out."""
    streams = task("streams", ["sh", "-c", "echo out; echo err >&2"], separate_stderr=True)
    give_task(machine, "say", shell("backup", "echo one; echo two >&2; (sleep 0.1; echo three) & wait") + streams)
    for name in ("streams", "backup"):
        run(machine, name)
        await_end(machine, name)
    machine.run("journalctl", "--sync")
    everything, of_one = re.findall(r"^\| `(journalctl .*?)` \|", PAGE.read_text(), re.MULTILINE)
    said = machine.sh(f"{everything} --output=cat").splitlines()
    words = ["out", "err", "one", "two", "three"]
    assert [line for line in said if line in words] == words
    assert {"backup succeeded", "streams succeeded"} <= {" ".join(line.split()[:2]) for line in said}
    of_one = machine.sh(f"{of_one.replace('7', '1')} --output=cat").splitlines()
    assert [line for line in of_one if line in words] == words[2:]
    assert [line for line in of_one if line.startswith("backup succeeded")] != []


def test_what_a_task_tells_systemd_holds_for_its_runs_and_for_no_others(machine: Machine) -> None:
    look = "touch /usr/here && echo wrote; cat /tmp/shared; id -un; cat $CREDENTIALS_DIRECTORY/token"
    look = f"exec 2>/dev/null; {look}; true"
    machine.write("/etc/token", "from a file of root", mode=0o600)
    machine.sh("echo shared >/tmp/shared")
    box = {"ProtectSystem": "strict", "PrivateTmp": True, "LoadCredential": "token:/etc/token"}
    tasks = shell("boxed", look, user="backup", unit=box) + shell("open", look)
    give_task(
        machine, "box", tasks + shell("nobodys", "[ $(id -u) -gt 60000 ] && echo made-up", unit={"DynamicUser": True})
    )
    assert run(machine, "boxed").splitlines() == ["backup", "from a file of root"]
    assert run(machine, "open").split() == ["wrote", "shared", "root"]
    assert run(machine, "nobodys") == "made-up\n"
    give_task(machine, "box", shell("boxed", look))
    assert run(machine, "boxed").split() == ["wrote", "shared", "root"]


def test_what_systemd_does_not_take_is_told_by_check_in_its_words(machine: Machine) -> None:
    machine.write("/etc/rocketd/box.toml", task("box", ["true"], unit={"MemoryMax": "lots", "NoSuchSetting": 1}))
    done = machine.run("rocketctl", "check", check=False)
    said = done.stdout + done.stderr
    assert done.returncode == 1
    assert "Invalid memory limit 'lots'" in said
    assert re.search("Unknown key (name )?'NoSuchSetting'", said)
