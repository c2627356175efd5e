"""A real PgBouncer in transaction mode in front of a PostgreSQL server, from Debian's package."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from support.servers.postgres_server import OWNER, TIMEOUT

_SETTINGS = """\
[databases]
* = host=127.0.0.1 port={target}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {users}
pool_mode = transaction
default_pool_size = {pool}
ignore_startup_parameters = extra_float_digits
"""


@contextmanager
def pgbouncer(target: int, users: Collection[str], password: str, pool: int = 3) -> Iterator[int]:
    """Start one in front of the server at that port; yields its own. Each user has that many sessions at most."""
    program = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None:
        pytest.skip("no PgBouncer here; Debian has it in the package pgbouncer")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="rocketd-pgbouncer-") as name:
        directory = Path(name)
        known, settings = directory / "users.txt", directory / "pgbouncer.ini"
        known.write_text("".join(f'"{user}" "{password}"\n' for user in users))
        settings.write_text(_SETTINGS.format(target=target, port=port, users=known, pool=pool))
        owner = OWNER if os.geteuid() == 0 else None
        if owner is not None:
            for path in (directory, known, settings):
                shutil.chown(path, owner)
        command = [program, "--quiet", str(settings)]
        with subprocess.Popen(command, user=owner, stderr=subprocess.PIPE, cwd="/") as process:
            try:
                _wait_for(process, port)
                yield port
            finally:
                process.terminate()
                process.wait(TIMEOUT)


def _wait_for(process: "subprocess.Popen[bytes]", port: int) -> None:
    """Wait until it takes connections: each try waits for the refusal of the one before."""
    for _ in range(600):
        try:
            socket.create_connection(("127.0.0.1", port), TIMEOUT).close()
        except ConnectionRefusedError:
            try:
                process.wait(0.1)
            except subprocess.TimeoutExpired:
                continue
            break
        else:
            return
    pytest.fail("PgBouncer does not start")
