"""A real PostgreSQL server in a directory of its own, on a free port of loopback, and a network that falls silent."""

import os
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

OWNER = "postgres"
"""Whose the server is when root tests: it refuses to be root's."""
TIMEOUT = 60


class PostgresServer:
    """A server that its tests may stop and kill; `postgres` needs no password, all others do."""

    def __init__(self, directory: Path, primary: "PostgresServer | None" = None) -> None:
        """`primary`: of which it is to be a standby."""
        self._data = directory / "data"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        if primary is not None:
            self._call("pg_basebackup", "--write-recovery-conf", "--checkpoint=fast", f"--dbname={primary.url()}")
            self._set(f"port = {self.port}")
            return
        self._call("initdb", "--auth=trust", "--username=postgres", "--no-sync", "--encoding=UTF8", "--locale=C.UTF-8")
        settings = f"port = {self.port}\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = ''\nfsync = off\n"
        self._set(settings)
        (self._data / "pg_hba.conf").write_text(
            "host all,replication postgres 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n"
        )

    def _set(self, settings: str) -> None:
        with (self._data / "postgresql.conf").open("a") as file:
            file.write(f"{settings}\n")

    def change_at_rest(self, settings: str) -> None:
        """Change its settings before it starts."""
        self._set(settings)

    def stop_if_running(self) -> None:
        """Stop it, if it has not ended by itself."""
        with suppress(subprocess.CalledProcessError):
            self.stop()

    def change(self, settings: str) -> None:
        """Change its settings while it runs."""
        self._set(settings)
        self._call("pg_ctl", "reload")

    def promote(self) -> None:
        """Make a standby the primary."""
        self._call("pg_ctl", "--wait", "promote")

    def url(self, user: str = "postgres", port: int | None = None, database: str = "postgres") -> str:
        """Return a URL of it, perhaps through the port of a proxy."""
        return f"postgresql://{user}@127.0.0.1:{port or self.port}/{database}"

    def start(self) -> None:
        """Return when it takes connections."""
        self._call("pg_ctl", "--wait", f"--log={self._data}/log", "start")

    def stop(self, mode: str = "immediate") -> None:
        """Stop it; `immediate`: as a crash would, whoever is connected is cut off."""
        self._call("pg_ctl", "--wait", f"--mode={mode}", "stop")

    @property
    def pid(self) -> int:
        """The process of which all others of the server are children."""
        return int((self._data / "postmaster.pid").read_text().splitlines()[0])

    def kill(self) -> None:
        """Kill the postmaster as kill -9 does."""
        os.kill(self.pid, signal.SIGKILL)

    def _call(self, program: str, *arguments: str) -> None:
        command = [str(_program(program)), f"--pgdata={self._data}", *arguments]
        owner = OWNER if os.geteuid() == 0 else None
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, user=owner, cwd="/", timeout=TIMEOUT)


def _program(name: str) -> Path:
    """Return a program of the newest server that is here, or of the one whose programs ROCKETD_POSTGRES says."""
    if chosen := os.environ.get("ROCKETD_POSTGRES"):
        return Path(chosen) / name
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    if not found:
        pytest.skip("no PostgreSQL here; Debian has it in the package postgresql")
    return found[-1]


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """Make one, started; at the end nothing of it is left."""
    pytest.importorskip("psycopg")
    with tempfile.TemporaryDirectory(prefix="rocketd-postgres-") as name:
        if os.geteuid() == 0:
            shutil.chown(name, OWNER)
        made = PostgresServer(Path(name))
        made.start()
        try:
            yield made
        finally:
            with suppress(subprocess.CalledProcessError):  # a test has stopped it
                made.stop()


class SilentProxy:
    """Passes bytes on to a port, until it is told to be silent: then nothing comes through, and nothing is closed."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._cut_off: list[tuple[socket.socket, socket.socket]] = []
        self._silent, self._one_way = threading.Event(), False
        self._refusing = threading.Event()
        self._wakeup, self._waker = socket.socketpair()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def silence(self, *, answers_only: bool = False) -> None:
        """Pass nothing on any more, or only what is asked; connections are taken, and get no answer."""
        self._one_way = answers_only
        self._silent.set()
        self._waker.send(b".")

    def refuse(self) -> None:
        """Close what is open, and every new connection at once."""
        self._refusing.set()
        self._waker.send(b"r")

    def heal(self) -> None:
        """Pass new connections on; those that were cut off never hear anything again."""
        self._silent.clear()
        self._refusing.clear()
        self._waker.send(b"x")

    def close(self) -> None:
        """End it."""
        self._waker.send(b"q")
        self._thread.join(TIMEOUT)
        self._waker.close()
        self._wakeup.close()

    def _run(self) -> None:
        while True:
            sources = [one for pair in self._pairs for one in pair]
            if self._silent.is_set():
                sources = [client for client, _ in self._pairs] if self._one_way else []
            ready, _, _ = select.select([self._listener, self._wakeup, *sources], [], [])
            if self._wakeup in ready and not self._told():
                return
            if self._listener in ready:
                self._take()
            for source in (one for one in ready if one not in (self._listener, self._wakeup)):
                self._pass_on(source)

    def _told(self) -> bool:
        told = self._wakeup.recv(100)
        if b"x" in told:
            self._cut_off += self._pairs
            self._pairs = []
        if b"r" in told:
            for one in [one for pair in self._pairs for one in pair]:
                one.close()
            self._pairs = []
        if b"q" in told:
            for one in [one for pair in (*self._pairs, *self._cut_off) for one in pair]:
                one.close()
            self._listener.close()
        return b"q" not in told

    def _take(self) -> None:
        client, _ = self._listener.accept()
        if self._refusing.is_set():
            client.close()
            return
        try:
            server = socket.create_connection(("127.0.0.1", self._target), TIMEOUT)
        except OSError:
            client.close()
            return
        self._pairs.append((client, server))

    def _pass_on(self, source: socket.socket) -> None:
        pair = next((pair for pair in self._pairs if source in pair), None)
        if pair is None:
            return
        sink = pair[1] if source is pair[0] else pair[0]
        try:
            data = source.recv(65536)
            if data:
                sink.sendall(data)
        except OSError:
            data = b""
        if not data:
            self._pairs.remove(pair)
            for one in pair:
                one.close()


@contextmanager
def silent_proxy(target: int) -> Iterator[SilentProxy]:
    """A proxy in front of a port of loopback."""
    made = SilentProxy(target)
    try:
        yield made
    finally:
        made.close()
