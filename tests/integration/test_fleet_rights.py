"""What a role can do in the database of a fleet, and what hostile values there can do to those who look."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from rocketd.fleet.schema import script
from support.daemon_process import Daemon
from support.servers.postgres_server import PostgresServer, postgres_server

psycopg = pytest.importorskip("psycopg")

PASSWORD = "none"  # noqa: S105 - of a server that lives for a test
JOIN = """
    INSERT INTO rocketd.host (fleet, name, incarnation, state_id, place, lease_until, lost_after, version, tags)
    VALUES ('default', '{}', gen_random_uuid(), gen_random_uuid(), '', clock_timestamp() + '1 h', '5 min', '1', '{{}}')
"""
RECORD = """
    INSERT INTO rocketd.record (fleet, host, scope, created, task_name, action, run_id, times, output)
    VALUES ('default', '{}', '', now(), 'report', '{}', '{}', 1, 'secret')
"""
TASK = "INSERT INTO rocketd.task (fleet, host, name, digest, shown) VALUES ('default', '{}', 'report', '', '{{}}')"


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with postgres_server() as made:
        psql = ["psql", "--no-psqlrc", "--quiet", f"--dbname={made.url()}"]
        subprocess.run(psql, input=script(), text=True, check=True, timeout=60)
        for name, group in (
            ("web1", "host"),
            ("web2", "host"),
            ("every", "any_host"),
            ("look", "reader"),
            ("old", "pruner"),
        ):
            as_role(made, "postgres", f"CREATE ROLE \"{name}\" LOGIN PASSWORD '{PASSWORD}' IN ROLE rocketd_{group}")
        for statement in (JOIN.format("web1"), TASK.format("web1"), RECORD.format("web1", "run", "1")):
            as_role(made, "web1", statement)
        as_role(made, "web1", RECORD.format("web1", "missed", "2"))
        yield made


def as_role(server: PostgresServer, role: str, statement: str) -> int:
    """Do this as a role, and return how many rows it has concerned."""
    with psycopg.connect(server.url(role), autocommit=True, password=PASSWORD) as connection:
        return int(connection.execute(statement).rowcount)


@pytest.mark.parametrize(
    ("role", "statement"),
    [
        ("web2", JOIN.format("web3")),
        ("web2", TASK.format("web1")),
        ("web2", RECORD.format("web1", "success", "1")),
        ("web2", "DELETE FROM rocketd.record"),
        ("web2", "DELETE FROM rocketd.host"),
        ("web2", "UPDATE rocketd.record SET action = 'success'"),
        ("web1", "UPDATE rocketd.record SET action = 'success'"),
        ("web1", "UPDATE rocketd.host SET name = 'web2'"),
        ("web1", "UPDATE rocketd.host SET role = 'web2'"),
        ("web1", "SELECT rocketd.prune('0')"),
        ("web1", "UPDATE rocketd.schema_version SET number = 9"),
        ("web1", "CREATE TABLE rocketd.mine (x text)"),
        ("every", f"{JOIN.format('web1')} ON CONFLICT (fleet, name) DO UPDATE SET incarnation = excluded.incarnation"),
        ("every", RECORD.format("web1", "success", "1")),
        ("look", "SELECT output FROM rocketd.record"),
        ("look", JOIN.format("look")),
        ("old", "SELECT task_name FROM rocketd.record"),
    ],
)
def test_what_a_role_may_not_do_is_refused(server: PostgresServer, role: str, statement: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        as_role(server, role, statement)


@pytest.mark.parametrize(
    ("role", "statement"),
    [
        ("web2", "UPDATE rocketd.host SET lease_until = clock_timestamp()"),
        ("web2", "UPDATE rocketd.record SET times = 9"),
        ("web2", "UPDATE rocketd.task SET shown = '{}'"),
        ("web2", "DELETE FROM rocketd.task"),
        ("every", "UPDATE rocketd.host SET lease_until = clock_timestamp()"),
    ],
)
def test_rows_of_others_are_not_there_to_be_changed(server: PostgresServer, role: str, statement: str) -> None:
    assert as_role(server, role, statement) == 0


def test_each_may_do_what_is_his(server: PostgresServer) -> None:
    assert as_role(server, "web1", "UPDATE rocketd.record SET times = 2") == 1  # of the interval of misses alone
    assert as_role(server, "web1", "UPDATE rocketd.host SET beat = 1") == 1
    assert as_role(server, "every", JOIN.format("db1")) == 1
    assert as_role(server, "look", "SELECT task_name, message FROM rocketd.record") == 2
    assert as_role(server, "old", "SELECT rocketd.prune('1 day')") == 1


@pytest.mark.parametrize(
    "change",
    [
        "lease_until = 'infinity'",
        "seen_at = '-infinity'",
        "clock_offset = 'NaN'",
        "lost_after = '-1 s'",
        "version = repeat('x', 1000)",
        "tags = array_fill('x'::text, ARRAY[10000])",
        "name = E'\\x1b[31m'",
    ],
)
def test_values_that_nobody_could_read_are_refused(server: PostgresServer, change: str) -> None:
    with pytest.raises(psycopg.errors.IntegrityError):
        as_role(server, "postgres", f"UPDATE rocketd.host SET {change}")  # noqa: S608 - of this test


HOSTILE = r"""
    UPDATE rocketd.host SET version = E'\x1b]0;x\x07', tags = ARRAY[E'a\nb', NULL], clock_offset = 1e11, tasks = -5,
        seen_at = '9999-12-31', joined_at = '4713-01-01 BC', waiting = 9223372036854775807 WHERE name = 'web2';
    UPDATE rocketd.task SET shown = '["no", "object"]' WHERE name = 'report';
    INSERT INTO rocketd.task VALUES
        ('default', 'web2', E'\x1b[31m', 'x', now(), '{"next": 7, "when": {"a": [1]}, "running": "y", "task": "no"}'),
        ('default', 'web2', 'command', 'x', now(), '{"command": ["reboot"], "next": "9999-99-99", "host": "web1"}');
    INSERT INTO rocketd.record (fleet, host, scope, created, task_name, action, run_id, number, attempt, "trigger",
        cause, due, start, "end", runtime, message, times)
    VALUES
        ('default', 'web2', E'\x1b[31m', now(), E'\x1b[31m', 'explode', '3', -1, 0, 'x', 'y', 'infinity', 'infinity',
            '-infinity', 'NaN', E'\x1b[31m', -1),
        ('default', 'web2', 'x', now(), 'report', 'run', '4', 9223372036854775807, 2147483647, 'x', 'y', NULL, NULL,
            NULL, 'infinity', NULL, NULL),
        ('default', 'web2', 'x', now(), 'report', 'run', '5', 5, 1, 'hand', NULL, '4713-01-01 BC', '294276-01-01',
            NULL, NULL, NULL, NULL),
        ('default', 'web2', 'x', '294276-01-01', 'report', 'missed', '6', NULL, NULL, NULL, NULL, NULL, NULL, NULL,
            NULL, NULL, NULL);
"""


def test_hostile_values_are_shown_as_text_and_break_nothing(server: PostgresServer, tmp_path: Path) -> None:
    as_role(server, "web2", JOIN.format("web2"))
    as_role(server, "web2", TASK.format("web2"))
    as_role(server, "web2", HOSTILE)
    with Daemon(tmp_path) as daemon:
        daemon.write(
            "rocketd.toml", f'[fleet]\n{password_file(tmp_path)}url = "{server.url("every")}"\nhost = "web5"\n'
        )
        daemon.write("tasks.toml", '[task.mine]\ncommand = ["/bin/true"]\non = "startup"\n')
        daemon.start()
        daemon.until_line("joined the fleet default as web5")
        for words in (["fleet"], ["list", "--fleet"], ["history", "--fleet"], ["history", "--fleet", "report"]):
            for more in ([], ["--json"]):
                done = rocketctl(daemon, *words, *more)
                assert (done.returncode, done.stderr) == (0, ""), words
                assert "\x1b" not in done.stdout
                assert "web2" in done.stdout
        tasks = json.loads(rocketctl(daemon, "list", "--fleet", "--json").stdout)
        assert {one["host"] for one in tasks if one["task"] == "command"} == {"web2"}
        assert daemon.stop() == 0


def test_a_name_that_another_role_holds_is_refused_and_told(server: PostgresServer, tmp_path: Path) -> None:
    with Daemon(tmp_path) as daemon:
        daemon.write(
            "rocketd.toml",
            f'[fleet]\n{password_file(tmp_path)}url = "{server.url("every")}"\nhost = "web1"\nlease = "2s"\n',
        )
        daemon.start()
        held = "its name is held, until that lease runs out, by rocketd 1"
        daemon.until(lambda: any(held in line for line in daemon.notices))  # its journal has the first trouble alone
        as_role(server, "web1", "UPDATE rocketd.host SET lease_until = clock_timestamp()")
        daemon.until(lambda: any("the fleet's database does not permit this" in line for line in daemon.notices))
        assert daemon.stop() == 0


def password_file(directory: Path) -> str:
    (directory / "password").write_text(PASSWORD)
    return f'password_file = "{directory}/password"\n'


def rocketctl(daemon: Daemon, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "rocketd.cli.rocketctl", f"--runtime-dir={daemon.runtime}", *words]
    clean = {**os.environ, "TZ": "UTC"}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=clean, timeout=60)
