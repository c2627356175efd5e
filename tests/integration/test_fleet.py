"""Several hosts with one history: real daemons, a real PostgreSQL server, and a network that falls silent."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from rocketd.fleet.record_reader import LoggedRow, RecordReader
from support.daemon_process import TIMEOUT, Daemon
from support.servers.postgres_server import PostgresServer, postgres_server, silent_proxy

psycopg = pytest.importorskip("psycopg")

TICK = '[task.tick]\ncommand = ["/bin/sh", "-c", "echo $ROCKETD_NUMBER >>{}"]\nwhen = "every(\'200 ms\')"\n'


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with postgres_server() as made:
        psql = ["psql", "--no-psqlrc", "--quiet", f"--dbname={made.url()}"]
        script = rocketctl(None, "fleet", "sql").stdout
        for name in HOSTS:
            script += f"CREATE ROLE \"{name}\" LOGIN PASSWORD '{PASSWORD}' IN ROLE rocketd_host;\n"
        subprocess.run(psql, input=script, text=True, check=True, timeout=60)
        yield made


MISSES = """
[task.long]
command = ["/bin/sleep", "60"]
on = "startup"
mutex = "m"

[task.late]
command = ["/bin/true"]
when = "cron('* * * * * *')"
mutex = "m"
"""
PASSWORD = "not a good one"  # noqa: S105 - of a server that lives for a test
HOSTS = ("web1", "web2", "web3", "db1")
LEASE = "9s"
"""So long that a busy machine keeps no host from giving a sign of life."""
SHORT = "2s"
"""For tests that wait for a lease to run out: there, a busy machine may make any host silent for a while."""


class Database:
    """A database of its own for a test, with the tables of a fleet."""

    def __init__(self, server: PostgresServer, name: str) -> None:
        self.server, self.name = server, name
        self.url = server.url(database=name)
        with psycopg.connect(server.url(), autocommit=True) as admin:
            admin.execute(f'CREATE DATABASE "{name}"')

    def ask(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url, autocommit=True, connect_timeout=30) as connection:
            position = connection.execute(query, values)
            return position.fetchall() if position.description else []

    def records(self, host: str) -> list[tuple[str, str]]:
        """Run ids and kinds, sorted."""
        query = "SELECT run_id, kind FROM rocketd.record WHERE host = %s"
        return sorted((run_id, kind) for run_id, kind in self.ask(query, host))


@pytest.fixture
def database(server: PostgresServer, request: pytest.FixtureRequest) -> Database:
    made = Database(server, f"fleet_{request.node.name}"[:40])
    done = rocketctl(None, "fleet", "upgrade", made.url)
    assert (done.returncode, done.stdout) == (0, "The tables of the fleet have version 5 now.\n"), done.stderr
    return made


MakeHost = Callable[..., Daemon]


@pytest.fixture
def host(database: Database, tmp_path: Path) -> Iterator[MakeHost]:
    """Make hosts; each is a daemon with directories of its own."""
    with ExitStack() as stack:

        def make(  # noqa: PLR0913 - what differs between hosts
            name: str, tasks: str = "", *, url: str = "", extra: str = "", place: str = "", lease: str = LEASE
        ) -> Daemon:
            directory = tmp_path / (place or name)
            directory.mkdir(exist_ok=True)
            made = stack.enter_context(Daemon(directory))
            made.write("rocketd.toml", settings_of(database, name, url, tmp_path, lease) + extra)
            made.write("tasks.toml", tasks or TICK.format(directory / "ledger"))
            return made

        yield make


def settings_of(database: Database, name: str, url: str, directory: Path, lease: str = LEASE) -> str:
    """What `rocketd.toml` says about the fleet; each host has a role and a password of its own."""
    file = directory / "password"
    file.write_text(f"{PASSWORD}\n")
    file.chmod(0o600)
    url = (url or database.url).replace("postgres@", f"{name}@")
    return f'[fleet]\nurl = "{url}"\npassword_file = "{file}"\nhost = "{name}"\nlease = "{lease}"\n'


def rocketctl(daemon: Daemon | None, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    places = []
    if daemon is not None:
        places = [f"--runtime-dir={daemon.runtime}", f"--state-dir={daemon.state}", f"--config-dir={daemon.config}"]
    command = [sys.executable, "-m", "rocketd.cli.rocketctl", *places, *words]
    clean = {**os.environ, "TZ": "UTC", **environment}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=clean, timeout=60)


def told(daemon: Daemon, *words: str) -> Any:  # noqa: ANN401 - JSON
    done = rocketctl(daemon, *words, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def start_and_join(daemon: Daemon) -> None:
    """Start a daemon, and wait until the fleet knows of it, whatever earlier ones got to."""
    joined = sum("joined the fleet default as" in line for line in daemon.lines)
    daemon.start()
    daemon.until_line("joined the fleet default as", joined + 1)


def ended(daemon: Daemon, number: int) -> None:
    """Wait until so many runs of `tick` have ended, all starts counted."""
    daemon.until_line("tick succeeded", number)


def all_records(daemon: Daemon) -> list[LoggedRow]:
    """What the run log of the host has."""
    reader = RecordReader(daemon.state)
    try:
        found: list[LoggedRow] = []
        place = 0
        while (part := reader.after(place))[1] > place:
            rows, place = part
            found += rows
    finally:
        reader.close()
    return found


def check_sent(daemon: Daemon, database: Database, name: str) -> None:
    """Check that the fleet has all that a stopped host has logged: what a stop had no time for, the next one sends."""
    for _ in range(5):
        if database.records(name) == logged(daemon):
            return
        start_and_join(daemon)
        assert daemon.stop() == 0
    assert database.records(name) == logged(daemon)


def logged(daemon: Daemon) -> list[tuple[str, str]]:
    """What the run log of the host has: run ids and kinds, sorted."""
    rows = [one.row for one in all_records(daemon)]
    return sorted((row.run_id or "", row.action if row.action in ("run", "missed") else "end") for row in rows)


def test_records_of_all_hosts_are_one_history(host: MakeHost, database: Database) -> None:
    first, second = host("web1").start(), host("db1", extra='tags = ["eu"]\n').start()
    for each in (first, second):
        each.until_line("joined the fleet default as")
        ended(each, 3)
    assert (first.stop(), second.stop()) == (0, 0)
    for name, each in (("web1", first), ("db1", second)):
        assert database.records(name) == logged(each)
    first.start()
    runs = told(first, "history", "--fleet", "tick")
    assert {run["host"] for run in runs} == {"web1", "db1"}
    assert [run["start"] for run in runs] == sorted((run["start"] for run in runs), reverse=True)
    (newest,) = told(first, "history", "--fleet", "--limit=1", "--action=success")
    assert (newest["task"], newest["action"]) == ("tick", "success")
    assert "HOST" in rocketctl(first, "history", "--fleet").stdout


def test_the_fleet_shows_who_is_there_and_whose_tasks_differ(host: MakeHost) -> None:
    same = '[task.same]\ncommand = ["/bin/true"]\n'
    first = host("web1", f'{same}[task.report]\ncommand = ["/bin/echo", "1"]\n').start()
    second = host("web2", f'{same}[task.report]\ncommand = ["/bin/echo", "2"]\n').start()
    text = f'{same}[task.report]\n# a comment\ncommand = ["/bin/echo", "1"]\n'
    third = host("web3", text, extra="tags = ['x']\n", lease=SHORT).start()
    for each in (first, second, third):
        each.until_line("joined the fleet default as")
    until(lambda: len(told(first, "list", "--fleet")) == 6)
    until(lambda: all(one["clock_offset"] is not None for one in told(first, "fleet")["hosts"]))
    until(lambda: states(first) == dict.fromkeys(("web1", "web2", "web3"), "alive"))
    hosts = {one["host"]: one for one in told(first, "fleet")["hosts"]}
    assert {name: (one["tasks"], one["differs"]) for name, one in hosts.items()} == {
        "web1": (2, []),
        "web2": (2, ["report"]),
        "web3": (2, []),
    }
    assert abs(hosts["web2"]["clock_offset"]) < 0.5
    assert second.stop() == 0
    third.kill()
    until(lambda: "silent since" in rocketctl(first, "fleet").stdout)
    page = rocketctl(first, "fleet").stdout
    assert "report differs from other hosts" in page
    assert "Fleet default: 3 hosts, 1 alive." in page
    assert "stopped " in page
    listed = rocketctl(first, "list", "--fleet").stdout
    assert listed.count("not heard of") == 4


def until(holds: Callable[[], object]) -> None:
    """Ask again and again: nothing tells when a lease has run out in the database."""
    deadline = time.monotonic() + TIMEOUT
    while not holds():
        assert time.monotonic() < deadline, "waited in vain"


def test_tasks_do_not_wait_for_a_silent_database(host: MakeHost, database: Database) -> None:
    with silent_proxy(database.server.port) as proxy:
        url = database.server.url(port=proxy.port, database=database.name)
        daemon = host("web1", url=url, lease=SHORT).start()
        daemon.until_line("joined the fleet default as web1")
        ended(daemon, 3)
        proxy.silence()
        daemon.until_line("the fleet does not hear of this host; tasks run as ever")
        before = len(daemon.runs("tick"))
        ended(daemon, before + 5)
        assert "the fleet does not hear of this host" in told(daemon, "status")["degraded"]
        assert len(database.records("web1")) < len(logged(daemon))
        proxy.heal()
        daemon.until_line("the fleet hears of this host again, after")
        ended(daemon, len(daemon.runs("tick")) + 2)
        until(lambda: told(daemon, "status")["degraded"] is None)
        assert daemon.stop() == 0
        check_sent(daemon, database, "web1")
    numbers = (daemon.directory / "ledger").read_text().split()
    assert numbers == [str(number) for number in range(1, len(numbers) + 1)]


def test_a_stop_does_not_wait_for_a_silent_database(host: MakeHost, database: Database, tmp_path: Path) -> None:
    with silent_proxy(database.server.port) as proxy:
        daemon = host("web1", url=database.server.url(port=proxy.port, database=database.name)).start()
        daemon.until_line("joined the fleet default as web1")
        proxy.silence()
        ended(daemon, 2)
        assert daemon.stop() == 0
    daemon.write("rocketd.toml", settings_of(database, "web1", "", tmp_path))
    start_and_join(daemon)
    assert daemon.stop() == 0
    check_sent(daemon, database, "web1")


def test_kills_and_a_restarted_server_lose_and_repeat_no_record(host: MakeHost, database: Database) -> None:
    daemon = host("web1").start()
    for life in range(1, 6):
        ended(daemon, 2 * life)
        daemon.kill()
        if life % 2:
            database.server.stop()
            database.server.start()
        if life < 5:
            daemon.start()
    start_and_join(daemon)
    ended(daemon, 14)
    database.server.stop()
    ended(daemon, len(daemon.runs("tick")) + 2)
    database.server.start()
    daemon.until_line("the fleet hears of this host again") if told(daemon, "status")["degraded"] else None
    assert daemon.stop() == 0
    start_and_join(daemon)
    assert daemon.stop() == 0
    check_sent(daemon, database, "web1")


def test_a_cloned_machine_is_told_and_never_mixed(host: MakeHost, database: Database, tmp_path: Path) -> None:
    original = host("web1", MISSES.replace("60", "3")).start()
    original.until_line("joined the fleet default as web1")
    original.until_line("late: 1 scheduled run missed")
    original.write("tasks.toml", TICK.format(original.directory / "ledger"))
    original.signal(signal.SIGHUP)
    ended(original, 3)
    clone = host("web1", place="clone")
    shutil.copytree(original.state, clone.state, dirs_exist_ok=True)
    (clone.state / "lock").unlink(missing_ok=True)
    clone.write("tasks.toml", TICK.format(clone.directory / "ledger"))
    clone.start()
    clone.until_line("another rocketd calls itself web1 in the fleet")
    assert "another rocketd calls itself web1" in told(clone, "status")["degraded"]
    ended(clone, 3)
    assert clone.stop() == 0
    ended(original, len(original.runs("tick")) + 2)
    assert original.stop() == 0
    assert database.records("web1") == logged(original)
    known = set(logged(clone))

    clone.write("rocketd.toml", settings_of(database, "web2", "", tmp_path))
    clone.start()
    clone.until_line("this state directory was that of web1")
    clone.until_line("joined the fleet default as web2")
    ended(clone, 6)
    assert clone.stop() == 0
    assert set(database.records("web2")) == set(logged(clone)) - known
    assert database.records("web1") == logged(original)


def test_an_older_copy_of_the_state_continues_the_history(host: MakeHost, database: Database, tmp_path: Path) -> None:
    daemon = host("web1").start()
    daemon.until_line("joined the fleet default as web1")
    ended(daemon, 2)
    assert daemon.stop() == 0
    shutil.copytree(daemon.state, tmp_path / "copy")
    daemon.start()
    ended(daemon, 6)
    assert daemon.stop() == 0
    sent = set(database.records("web1"))
    shutil.rmtree(daemon.state)
    shutil.copytree(tmp_path / "copy", daemon.state)
    start_and_join(daemon)
    ended(daemon, 8)
    assert daemon.stop() == 0
    assert set(database.records("web1")) == sent | set(logged(daemon))


def test_others_hear_of_records_at_once(host: MakeHost, database: Database) -> None:
    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute('LISTEN "rocketd.default"')
        host("web1").start()
        (heard,) = connection.notifies(timeout=30, stop_after=1)
    payload = json.loads(heard.payload)
    assert payload["host"] == "web1"
    rows = database.ask("SELECT host FROM rocketd.record WHERE id BETWEEN %s AND %s", payload["first"], payload["last"])
    assert set(rows) == {("web1",)}


def test_output_stays_on_the_host_unless_it_is_wanted(host: MakeHost, database: Database) -> None:
    says = '[task.says]\ncommand = ["/bin/printf", "a\\\\000b"]\non = "startup"\n'
    for name, extra in (("web1", ""), ("web2", "output = true\n")):
        daemon = host(name, says, extra=extra).start()
        daemon.until_line("says succeeded")
        daemon.until_line("joined the fleet")
        assert daemon.stop() == 0
    query = "SELECT host, output FROM rocketd.record WHERE kind = 'end' ORDER BY host"
    assert database.ask(query) == [("web1", None), ("web2", "a\\x00b")]


def test_without_psycopg_it_is_told_and_tasks_run(host: MakeHost, tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    (tmp_path / "none" / "psycopg.py").write_text("raise ImportError('no libpq here')\n")
    daemon = host("web1")
    path = [str(tmp_path / "none"), *filter(None, [os.environ.get("PYTHONPATH", "")])]
    daemon.__dict__["_environment"]["PYTHONPATH"] = ":".join(path)
    daemon.start()
    daemon.until_line("[fleet] needs psycopg 3, which cannot be imported: no libpq here")
    ended(daemon, 2)
    assert rocketctl(daemon, "fleet").returncode == 1
    assert daemon.stop() == 0


def test_tables_that_are_missing_or_too_new_are_told(
    host: MakeHost, server: PostgresServer, database: Database
) -> None:
    empty = Database(server, f"{database.name}_empty")
    daemon = host("web1", url=empty.url).start()
    daemon.until_line("the database has no tables of rocketd")
    done = rocketctl(None, "fleet", "upgrade", empty.url)
    assert done.returncode == 0
    daemon.until_line("the fleet hears of this host again")  # it has been trying
    database.ask("UPDATE rocketd.schema_version SET number = 9, least = 9")
    other = host("web2").start()
    other.until_line("the tables of the fleet are for a newer rocketd: version 9")
    ended(other, 2)


def test_the_script_makes_what_upgrade_makes(server: PostgresServer, database: Database) -> None:
    made = Database(server, f"{database.name}_psql")
    script = rocketctl(None, "fleet", "sql").stdout
    for code in (0, 3):  # a second time it changes nothing, and says so
        psql = ["psql", "--no-psqlrc", "--quiet", f"--dbname={made.url}"]
        done = subprocess.run(psql, input=script, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == code, done.stderr
    assert (
        rocketctl(None, "fleet", "upgrade", made.url).stdout == "The tables of the fleet are up to date: version 5.\n"
    )
    columns = "SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema = 'rocketd'"
    assert sorted(made.ask(columns)) == sorted(database.ask(columns))


def test_a_password_is_read_from_its_file_and_never_shown(host: MakeHost, tmp_path: Path) -> None:
    daemon = host("web1")
    (tmp_path / "password").write_text("s3cret\n")
    daemon.start()
    daemon.until_line("password authentication failed")
    (tmp_path / "password").write_text(f"{PASSWORD}\n")
    daemon.until_line("the fleet hears of this host again")
    command = Path(f"/proc/{daemon.pid}/cmdline").read_bytes() + Path(f"/proc/{daemon.pid}/environ").read_bytes()
    assert PASSWORD.encode() not in command
    assert PASSWORD not in "\n".join([*daemon.lines, *daemon.notices])
    daemon.write("rocketd.toml", '[fleet]\nurl = "postgresql://web1:s3cret@127.0.0.1/x"\n')
    daemon.signal(signal.SIGHUP)
    daemon.until_line("this must not contain a password")
    done = rocketctl(daemon, "fleet", "upgrade", "postgresql://web1:s3cret@127.0.0.1/x")
    assert done.returncode == 2
    assert "s3cret" not in "\n".join(daemon.lines) + done.stdout + done.stderr + rocketctl(daemon, "check").stdout


def test_a_host_without_a_fleet_says_what_to_do(tmp_path: Path) -> None:
    with Daemon(tmp_path) as daemon:
        daemon.start()
        done = rocketctl(daemon, "fleet")
        assert (done.returncode, done.stdout) == (1, "")
        assert "this host shares its history with no others" in done.stderr
        assert "set url in [fleet]" in done.stderr


def test_an_interval_of_misses_is_sent_as_it_has_become(host: MakeHost, database: Database) -> None:
    daemon = host("web1", MISSES).start()
    query = "SELECT times FROM rocketd.record WHERE kind = 'missed'"
    daemon.until_line("late: 1 scheduled run missed")
    until(lambda: database.ask(query) not in ([], [(1,)]))
    daemon.stop_at_once()
    known = [one.row.times for one in all_records(daemon) if one.row.action == "missed"]
    assert [times for (times,) in database.ask(query)] == known


def test_a_host_that_stood_still_goes_on_where_it_was(host: MakeHost, database: Database) -> None:
    daemon = host("web1", lease=SHORT).start()
    daemon.until_line("joined the fleet default as web1")
    other = host("web2", '[task.none]\ncommand = ["/bin/true"]\n').start()
    other.until_line("joined the fleet default as web2")
    for still in range(1, 4):
        ended(daemon, 2 * still)
        daemon.signal(signal.SIGSTOP)
        until(lambda: states(other)["web1"] == "silent")
        daemon.signal(signal.SIGCONT)
        until(lambda: states(other)["web1"] == "alive")
    assert daemon.stop() == 0
    check_sent(daemon, database, "web1")


def states(daemon: Daemon) -> dict[str, str]:
    return {one["host"]: one["state"] for one in told(daemon, "fleet")["hosts"]}
