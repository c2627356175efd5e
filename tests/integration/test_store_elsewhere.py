"""Records in another repository, and what happens while they cannot be written: a real daemon, killed in between."""

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from rocketd.store.replication.target import TARGET_FILE
from rocketd.store.spool_file import FILE_NAME as SPOOL
from support.daemon_process import Daemon

MODULE = '''
"""Repositories for the daemon under test; while the file `away` is there, they fail."""
from pathlib import Path
from redbird.repos import CSVFileRepo, JSONDirectoryRepo, MemoryRepo
from rocketd.log import MinimalRunRecord, RunRecord
HERE = Path(__file__).parent

def check():
    if (HERE / "away").exists():
        raise ConnectionError("the server is down")

class Csv(CSVFileRepo):
    def insert(self, item):
        check()
        super().insert(item)

def csv():
    check()
    return Csv(filename=HERE / "log.csv", model=RunRecord)

def little():
    return CSVFileRepo(filename=HERE / "log.csv", model=MinimalRunRecord)

def json():
    (HERE / "records").mkdir(exist_ok=True)
    return JSONDirectoryRepo(path=HERE / "records", model=RunRecord, id_field="id")

def memory():
    return MemoryRepo(model=RunRecord)

def nothing():
    return None
'''


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    (tmp_path / "somewhere.py").write_text(MODULE)
    path = os.pathsep.join(filter(None, [str(tmp_path), os.environ.get("PYTHONPATH", "")]))
    with Daemon(tmp_path, environment={"PYTHONPATH": path, "WATCHDOG_USEC": "2000000"}) as made:
        yield made


def a_task(name: str, when: str = "daily") -> str:
    return f"[task.{name}]\ncommand = ['/bin/true']\nwhen = '''{when}'''\n"


def to_url(daemon: Daemon) -> str:
    return f'[store]\nurl = "sqlite:///{daemon.directory}/log.db"\n'


def recorded(daemon: Daemon) -> list[tuple[str, str, int]]:
    """What is in the database of `to_url`."""
    with closing(sqlite3.connect(daemon.directory / "log.db")) as database:
        return database.execute("SELECT task_name, action, number FROM log ORDER BY id").fetchall()


def both(daemon: Daemon) -> list[tuple[str, str, int]]:
    """What the state directory's own log has."""
    with closing(sqlite3.connect(daemon.state / "rocketd.db")) as database:
        return database.execute("SELECT task_name, action, number FROM log ORDER BY id").fetchall()


# -- where records go


def test_records_go_to_the_database_of_a_url_and_a_restart_goes_on_from_there(daemon: Daemon) -> None:
    daemon.write("rocketd.toml", to_url(daemon))
    daemon.write("a.toml", a_task("once"))
    daemon.start()
    daemon.until_line("once succeeded")
    assert daemon.stop() == 0
    assert recorded(daemon) == [("once", "run", 1), ("once", "success", 1)]
    for file in daemon.state.iterdir():  # a new host, with the same records
        file.unlink()
    daemon.write("b.toml", a_task("twice"))
    daemon.start()
    daemon.until_line("that existed only in the repository")
    daemon.until_line("twice succeeded")
    assert daemon.stop() == 0
    assert recorded(daemon).count(("once", "run", 1)) == 1
    assert both(daemon) == recorded(daemon)


@pytest.mark.parametrize("kind", ["csv", "json"])
def test_a_task_that_was_renamed_goes_on_from_files_alone(daemon: Daemon, kind: str) -> None:
    """The state directory was lost after that: what ran today runs no more, under neither name."""
    daemon.write("rocketd.toml", f'[store]\nrepo = "somewhere:{kind}"\n')
    daemon.write("a.toml", a_task("old"))
    daemon.start()
    daemon.until_line("old succeeded")
    daemon.write("a.toml", a_task("new") + 'formerly = "old"\n' + a_task("later", "after_success('new') | daily"))
    assert daemon.stop() == 0
    daemon.start()
    daemon.until_line("later succeeded")
    assert daemon.stop() == 0
    assert {number for name, _, number in both(daemon) if name == "new"} == {1}
    for path in daemon.state.iterdir():
        path.unlink()
    daemon.write("b.toml", a_task("last"))
    daemon.start()
    daemon.until_line("last succeeded")
    assert daemon.stop() == 0
    assert [(name, number) for name, action, number in both(daemon) if action == "run"] == [
        ("new", 1),
        ("later", 1),
        ("last", 1),
    ]


@pytest.mark.parametrize("kind", ["csv", "json", "memory", "little"])
def test_any_red_bird_repository_can_have_the_records(daemon: Daemon, kind: str) -> None:
    daemon.write("rocketd.toml", f'[store]\nrepo = "somewhere:{kind}"\n')
    daemon.write("a.toml", a_task("once") + a_task("chain", "after_success('once')"))
    daemon.start()
    daemon.until_line("chain succeeded")
    daemon.kill()
    daemon.write("b.toml", a_task("last"))
    daemon.start()
    daemon.until_line("last succeeded")
    assert daemon.stop() == 0
    assert [(name, number) for name, action, number in both(daemon) if action == "run"] == [
        ("once", 1),
        ("chain", 1),
        ("last", 1),
    ]
    if kind != "memory":
        files = (daemon.directory / "records").glob("*.json")  # beside them *.half, if the kill cut a record off
        lines = [] if kind == "json" else (daemon.directory / "log.csv").read_text().splitlines()[1:]
        assert len([*files, *lines]) == 6
    said = [line for line in daemon.lines if "does not store these fields of a record" in line]
    assert len(said) == (2 if kind == "little" else 0)
    assert any("does not enforce unique records" in line for line in daemon.lines)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('repo = "nowhere:made"', "nowhere:made cannot be imported"),
        ('repo = "somewhere:absent"', "somewhere:absent cannot be imported"),
        ('repo = "somewhere:nothing"', "did not return a Red Bird repository, but NoneType"),
        ('url = "nosuch://me:secret@db/log"', "SQLAlchemy does not know the database nosuch://me:***@db/log"),
    ],
)
def test_a_repository_that_cannot_be_is_said_at_start_and_nothing_runs(daemon: Daemon, line: str, said: str) -> None:
    daemon.write("rocketd.toml", f"[store]\n{line}\n")
    daemon.write("a.toml", a_task("once"))
    assert daemon.spawn().wait() == 4
    assert any(said in line for line in daemon.lines)
    assert not any("started" in line or "secret" in line for line in daemon.lines)


# -- with a mistake in rocketd.toml


def test_with_a_mistake_in_rocketd_toml_records_go_where_they_went(daemon: Daemon) -> None:
    daemon.write("rocketd.toml", to_url(daemon))
    daemon.start()
    assert daemon.stop() == 0
    daemon.write("rocketd.toml", "[rocketd]\nmax_runing = 3\n")
    daemon.write("a.toml", a_task("once"))
    daemon.start()
    daemon.until_line("rocketd.toml has an error, so run records go where they went before: sqlite:///")
    daemon.until_line("once succeeded")
    assert daemon.stop() == 0
    assert recorded(daemon) == [("once", "run", 1), ("once", "success", 1)]


def test_another_place_is_told_and_repeats_nothing(daemon: Daemon) -> None:
    daemon.write("a.toml", a_task("once"))
    daemon.start()
    daemon.until_line("once succeeded")
    assert daemon.stop() == 0
    daemon.write("rocketd.toml", to_url(daemon))
    daemon.write("b.toml", a_task("twice"))
    daemon.start()
    daemon.until_line("run records went to the state directory alone before, and go to sqlite:///")
    daemon.until_line("twice succeeded")
    assert daemon.stop() == 0
    assert [name for name, action, _ in both(daemon) if action == "run"] == ["once", "twice"]
    assert (daemon.state / TARGET_FILE).stat().st_mode & 0o777 == 0o600


# -- while the repository is away


def test_while_the_repository_is_away_tasks_go_on_and_a_kill_loses_nothing(daemon: Daemon) -> None:
    away = daemon.directory / "away"
    daemon.write("rocketd.toml", '[store]\nrepo = "somewhere:csv"\n')
    daemon.write("a.toml", a_task("often", "every('1s')"))
    daemon.start()
    daemon.until_line("often succeeded")
    away.touch()
    daemon.until_notice("records wait in the outbox")
    daemon.until_line("often succeeded", 4)
    daemon.kill()
    daemon.start()  # and at its start it is still away
    daemon.until_line("could not be read at start")
    daemon.until_line("often succeeded", 6)
    away.unlink()
    daemon.until_line("the repository is available again and has all records")
    assert daemon.stop() == 0
    header, *lines = (daemon.directory / "log.csv").read_text().splitlines()
    names = header.split(",")
    kept = [dict(zip(names, line.split(","), strict=False)) for line in lines]
    assert [(one["task_name"], one["action"], int(one["number"])) for one in kept] == both(daemon)


def test_unsilenced_a_repository_that_stays_away_stops_the_daemon(daemon: Daemon) -> None:
    daemon.write("rocketd.toml", '[rocketd]\nsilence_task_logging = false\n[store]\nrepo = "somewhere:csv"\n')
    daemon.write("a.toml", a_task("often", "every('1s')"))
    daemon.start()
    daemon.until_line("often succeeded")
    (daemon.directory / "away").touch()
    assert daemon.wait() == 1
    assert any("the server is down" in line for line in daemon.lines)


# -- while the state directory's own database cannot be written


def test_while_the_database_is_locked_records_go_to_the_spool_and_a_kill_loses_nothing(daemon: Daemon) -> None:
    daemon.write("a.toml", a_task("often", "every('1s')") + a_task("once", "after_success('often')"))
    daemon.start()
    daemon.until_line("often succeeded")
    blocker = sqlite3.connect(daemon.state / "rocketd.db", isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    daemon.until_line("cannot write the run log")
    daemon.until_line("their records wait")
    told = sum("often succeeded" in line for line in daemon.lines)
    daemon.until_line("often succeeded", told + 3)
    daemon.kill()
    assert (daemon.state / SPOOL).stat().st_size > 0
    blocker.execute("ROLLBACK")
    blocker.close()
    ended = [line.split()[1] for line in daemon.lines if "succeeded" in line]
    daemon.start()
    daemon.until_line("records kept during the last outage have been written to the run log")
    assert (daemon.state / SPOOL).stat().st_size == 0
    assert daemon.stop() == 0
    kept = [name for name, action, _ in both(daemon) if action == "success"]
    assert all(kept.count(name) >= ended.count(name) for name in set(ended))
    starts = [(name, number) for name, action, number in both(daemon) if action == "run"]
    assert len(set(starts)) == len(starts)
    numbers = [number for name, number in starts if name == "often"]
    assert numbers == list(range(1, len(numbers) + 1))


@pytest.mark.parametrize("silenced", ["true", "false"])
def test_a_kill_in_the_first_seconds_of_a_lock_makes_no_crash_of_an_end_that_was_known(
    daemon: Daemon, silenced: str
) -> None:
    """The run ends while the database is locked; the daemon is killed long before it gives up on it."""
    end = daemon.directory / "end"
    os.mkfifo(end)
    daemon.write("rocketd.toml", f"[rocketd]\nsilence_task_logging = {silenced}\n")
    daemon.write("a.toml", f"[task.waits]\ncommand = 'read line < {end}'\nshell = true\nwhen = 'daily'\n")
    daemon.write("b.toml", a_task("more", "every('100 ms')"))
    daemon.start()
    daemon.until_line("waits started")
    blocker = sqlite3.connect(daemon.state / "rocketd.db", isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    daemon.until_line("cannot write the run log")
    end.write_text("go\n")
    daemon.until(lambda: ("Finished", "waits") in spooled(daemon))
    assert not any("records wait" in line for line in daemon.lines)
    daemon.kill()
    blocker.execute("ROLLBACK")
    blocker.close()
    daemon.start()
    assert daemon.history("waits") == [(1, 1, "success")]
    assert daemon.stop() == 0


def spooled(daemon: Daemon) -> list[tuple[str, str]]:
    """What is told of which task in the spool."""
    path = daemon.state / SPOOL
    lines = path.read_text().splitlines() if path.exists() else []
    return [(change["kind"], change["run"]["task"]) for line in lines for change in json.loads(line) if "run" in change]
