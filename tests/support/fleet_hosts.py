"""Hosts of a fleet that run tasks on one of them: real daemons on one machine, and a real PostgreSQL server."""

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from rocketd.fleet.schema import script
from support.daemon_process import Daemon
from support.servers.postgres_server import PostgresServer, SilentProxy, silent_proxy

PASSWORD = "not a good one"  # noqa: S105 - of a server that lives for a test
HOSTS = ("web1", "web2", "web3")


def prepare(server: PostgresServer) -> None:
    """Make one role for each host."""
    roles = "".join(f"CREATE ROLE \"{name}\" LOGIN PASSWORD '{PASSWORD}' IN ROLE rocketd_host;\n" for name in HOSTS)
    psql = ["psql", "--no-psqlrc", "--quiet", f"--dbname={server.url()}"]
    subprocess.run(psql, input=script() + roles, text=True, check=True, timeout=60)


class FleetHosts:
    """Some hosts, each behind a network of its own, that share a fleet and a ledger that their runs write."""

    def __init__(self, server: PostgresServer, name: str, directory: Path, stack: ExitStack) -> None:
        import psycopg  # noqa: PLC0415 - only where it is there

        self._psycopg, self._stack = psycopg, stack
        self.url = server.url(database=name)
        self._server, self.name, self.directory = server, name, directory
        with psycopg.connect(server.url(), autocommit=True) as admin:
            admin.execute(f'CREATE DATABASE "{name}"')
        command = [sys.executable, "-m", "rocketd.cli.rocketctl", "fleet", "upgrade", self.url]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=60)
        self.hosts: dict[str, Daemon] = {}
        self.networks: dict[str, SilentProxy] = {}
        self._ledger = directory / "ledger"
        (directory / "password").write_text(f"{PASSWORD}\n")
        (directory / "password").chmod(0o600)

    def task(self, name: str, when: str, *lines: str, command: str = "true") -> str:
        """Return the text of a task that one host runs, and that writes into the ledger as it begins and ends."""
        note = f"echo {{}} $ROCKETD_TASK $ROCKETD_NUMBER $HOST >>{self._ledger}"
        shell = f"{note.format('begin')}; {command} && {note.format('end')}"
        text = [f"[task.{name}]", f"command = '''{shell}'''", "shell = true", f'when = "{when}"', 'run_on = "one"']
        return "\n".join([*text, *lines, ""])

    def exclusive_task(self, name: str, when: str) -> str:
        """Return the text of a task whose runs hold a lock while they go on, and write `overlap` if it is taken."""
        alone = f"flock --nonblock --conflict-exit-code 75 {self.directory}/{name}.lock sleep 0.4"
        note = f"echo overlap $ROCKETD_TASK $ROCKETD_NUMBER $HOST >>{self._ledger}"
        return self.task(name, when, command=f"{{ {alone}; [ $? != 75 ] || {note}; }}")

    def add(  # noqa: PLR0913 - what a host may have
        self, name: str, tasks: str, lease: str = "2s", extra: str = "", url: str = "", *, python: str = ""
    ) -> Daemon:
        """Make a host, started; `url`: of the database, if it is not reached by a network of its own.

        `python`: the interpreter that has its rocketd, if that is another one.
        """
        directory = self.directory / name
        directory.mkdir()
        made = self.hosts[name] = self._stack.enter_context(Daemon(directory))
        network = self.networks[name] = self._stack.enter_context(silent_proxy(self._server.port))
        url = url or self._server.url(name, network.port, self.name)
        made.write(
            "rocketd.toml",
            f'[fleet]\nurl = "{url}"\npassword_file = "{self.directory / "password"}"\nhost = "{name}"\n'
            f'lease = "{lease}"\n{extra}[defaults]\nenvironment = {{ HOST = "{name}" }}\n',
        )
        made.write("tasks.toml", f'[defaults]\nenvironment = {{ HOST = "{name}" }}\n{tasks}')
        made.python = python or made.python
        return made.start()

    def ask(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Ask the database, as its superuser."""
        with self._psycopg.connect(self.url, autocommit=True, connect_timeout=30) as connection:
            found = connection.execute(query, values)
            return found.fetchall() if found.description else []

    def ledger(self, what: str = "begin") -> list[tuple[str, int, str]]:
        """What was begun, or ended: task, number and host, in order."""
        lines = map(str.split, self.ledger_lines())
        return [(task, int(number), host) for kind, task, number, host in lines if kind == what]

    def ledger_lines(self) -> list[str]:
        """What the runs have written."""
        return self._ledger.read_text().splitlines() if self._ledger.exists() else []

    def begun_twice(self) -> list[tuple[str, int]]:
        """Runs that the ledger has more than once."""
        return [key for key, count in Counter((task, number) for task, number, _ in self.ledger()).items() if count > 1]

    def why(self, host: str, task: str) -> str:
        """What a host says about a task."""
        done = self.rocketctl(host, "why", task)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def rocketctl(self, host: str, *words: str) -> subprocess.CompletedProcess[str]:
        """Call rocketctl on a host, where nobody answers questions."""
        daemon = self.hosts[host]
        places = [f"--runtime-dir={daemon.runtime}", f"--state-dir={daemon.state}", f"--config-dir={daemon.config}"]
        command = [sys.executable, "-m", "rocketd.cli.rocketctl", *places, *words]
        return subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=60
        )

    def story(self) -> str:
        """What the hosts have said, for a test that has failed."""
        return "\n".join(line for name, host in self.hosts.items() for line in [name, *host.lines[-20:]])

    def owner(self, task: str) -> str:
        """Who owns a task by the database; empty: nobody."""
        rows = self.ask("SELECT coalesce(host, '') FROM rocketd.owner WHERE task = %s", task)
        return str(rows[0][0]) if rows else ""


@contextmanager
def fleet_hosts(server: PostgresServer, name: str, directory: Path) -> Iterator[FleetHosts]:
    """Make a fleet with a database of that name."""
    with ExitStack() as stack:
        yield FleetHosts(server, name, directory, stack)
