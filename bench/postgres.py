"""A PostgreSQL server of one's own: in a directory of its own, on a socket there and nowhere else."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

OWNER: Final = "postgres"
"""Whose it is when root calls: the server refuses to be root's."""


class Server:
    """It stands until it is started."""

    def __init__(self, directory: Path) -> None:
        self._data = directory / "data"
        self._call("initdb", "--auth=trust", "--username=rocketd", "--no-sync")
        self.url = f"postgresql+psycopg2://rocketd@/postgres?host={directory}"
        self._options = f"-c listen_addresses= -c unix_socket_directories={directory}"

    def start(self) -> None:
        """Return when it takes connections."""
        self._call("pg_ctl", "--wait", f"--log={self._data}/log", f"--options={self._options}", "start")

    def stop(self) -> None:
        """Stop it as a crash would: whoever is connected is cut off."""
        self._call("pg_ctl", "--wait", "--mode=immediate", "stop")

    def _call(self, program: str, *arguments: str) -> None:
        command = [_program(program), f"--pgdata={self._data}", *arguments]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, user=_owner(), cwd="/")


@contextmanager
def server() -> Iterator[Server]:
    """Make one, started; at the end nothing of it is left."""
    with tempfile.TemporaryDirectory(prefix="rocketd-postgres-") as name:
        if (owner := _owner()) is not None:
            shutil.chown(name, owner)
        made = Server(Path(name))
        made.start()
        try:
            yield made
        finally:
            made.stop()


def _owner() -> str | None:
    return OWNER if os.geteuid() == 0 else None


def _program(name: str) -> str:
    """Find one of its programs, which Debian does not put on the path."""
    there = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    found = shutil.which(name) or (str(there[-1]) if there else None)
    if found is None:
        raise SystemExit(f"there is no {name}; Debian has it in the package postgresql")
    return found
