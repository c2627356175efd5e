"""A minute without the server that gets the records, under load, with kill -9 in it: what is lost or there twice.

    PYTHONPATH=bench .venv/bin/python bench/outage.py
    PYTHONPATH=bench .venv/bin/python bench/outage.py --outage 10 --kills 1

Each run notes itself in a ledger as its first act. Against that the records are held: those of the state directory, and
those of a PostgreSQL server of our own (Debian: postgresql, python3-psycopg2), which is stopped in the middle.
"""

import argparse
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias

from postgres import Server, server
from sqlalchemy import create_engine, text
from under_test import write_tasks

TASKS: Final = 10
TASK: Final = """command = 'echo "$ROCKETD_RUN_ID" >>{ledger}'
shell = true
when = "every('200 ms')"
restart_delay = "1 ms"
"""
LOG: Final = "SELECT run_id, action, created FROM log WHERE action <> 'missed' ORDER BY id"
RESULT: Final = Path("build/outage.json")
PATIENCE: Final = 300.0
"""Seconds that what waits may take to arrive."""

Record: TypeAlias = tuple[str, str, float]


class Daemon:
    """One that is killed, and begun again over the same directory."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = None

    def begin(self) -> None:
        """Return when it is ready."""
        path = self._directory / "notify"
        path.unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            notify.bind(str(path))
            notify.settimeout(PATIENCE)
            command = [sys.executable, "-m", "rocketd", "--log-target=console", f"--config-dir={self._directory}/etc"]
            command += [f"--state-dir={self._directory}/lib", f"--runtime-dir={self._directory}/run"]
            environment = {**os.environ, "NOTIFY_SOCKET": str(path)}
            self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environment)
            while b"READY=1" not in notify.recv(4096):
                pass

    def end(self, number: signal.Signals) -> int:
        """Send it a signal, and wait for its end."""
        assert self._process is not None  # noqa: S101 - it has begun
        self._process.send_signal(number)
        return self._process.wait()


class Found(NamedTuple):
    """What the ledger and the two logs say."""

    begun: list[str]
    """By run id."""
    here: list[Record]
    there: list[Record]


class Told(NamedTuple):
    """What came out."""

    begun: int
    recorded: dict[str, int]
    """Records in the repository of what happened before, during and after the outage."""
    waited: int
    """Records that waited when the server came back."""
    seconds: float
    """How long they took to arrive."""
    kills: int
    crashes: int
    """Runs that were going on at a kill."""
    lost: int
    """Runs that began and have no start or no end in the repository, and records that only the state directory has."""
    twice: int
    """Runs that began twice, and records that are there twice."""


def outage(directory: Path, there: Server, *, around: float, seconds: float, kills: int) -> Told:
    """Go through it: `around` seconds with the server, `seconds` without, `around` with it again."""
    (directory / "lib").mkdir()
    ledger = directory / "ledger"
    settings = f'[store]\nurl = "{there.url}"\n'
    write_tasks(directory, [TASK.format(ledger=ledger)] * TASKS, settings)
    daemon = Daemon(directory)
    daemon.begin()
    time.sleep(around)
    gone = time.time()
    there.stop()
    for _ in range(kills):
        time.sleep(seconds / (kills + 1))
        daemon.end(signal.SIGKILL)
        daemon.begin()
    time.sleep(max(gone + seconds - time.time(), 0.0))
    waited, back = _waiting(directory), time.time()
    there.start()
    needed = _until_none_waits(directory)
    time.sleep(around)
    assert daemon.end(signal.SIGTERM) == 0  # noqa: S101 - else nothing that follows would be true
    found = Found(ledger.read_text().split(), _here(directory), _there(there))
    return _told(found, gone, back, waited, needed, kills)


def _until_none_waits(directory: Path) -> float:
    began = time.monotonic()
    while _waiting(directory) > TASKS and time.monotonic() < began + PATIENCE:
        time.sleep(0.05)
    return time.monotonic() - began


def _waiting(directory: Path) -> int:
    with closing(_database(directory)) as database:
        return int(database.execute("SELECT count(*) FROM spool").fetchone()[0])


def _here(directory: Path) -> list[Record]:
    with closing(_database(directory)) as database:
        return database.execute(LOG).fetchall()


def _there(there: Server) -> list[Record]:
    engine = create_engine(there.url)
    try:
        with engine.connect() as connection:
            return [(row[0], row[1], row[2]) for row in connection.execute(text(LOG))]
    finally:
        engine.dispose()


def _database(directory: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{directory}/lib/rocketd.db?mode=ro", uri=True)


def _told(found: Found, gone: float, back: float, waited: int, seconds: float, kills: int) -> Told:  # noqa: PLR0913, PLR0917 - what was seen
    starts = {run for run, action, _ in found.there if action == "run"}
    ends = {run for run, action, _ in found.there if action != "run"}
    unrecorded = [run for run in set(found.begun) if run not in starts or run not in ends]
    missing = Counter(record[:2] for record in found.here) - Counter(record[:2] for record in found.there)
    copies = Counter((run, action == "run") for run, action, _ in found.there)
    again = sum(count - 1 for count in [*copies.values(), *Counter(found.begun).values()])
    when = ["before" if at < gone else "during" if at < back else "after" for _, _, at in found.there]
    crashes = sum(action == "crash" for _, action, _ in found.there)
    recorded = {name: when.count(name) for name in ("before", "during", "after")}
    lost = len(unrecorded) + missing.total()
    return Told(len(found.begun), recorded, waited, round(seconds, 2), kills, crashes, lost, again)


def main() -> int:
    """Print what came out, keep it in build/outage.json, and fail if anything is lost or there twice."""
    parser = argparse.ArgumentParser(description="An outage of the run log's server under load.")
    parser.add_argument("--outage", type=float, default=60.0, help="seconds without the server")
    parser.add_argument("--around", type=float, default=15.0, help="seconds with it, before and after")
    parser.add_argument("--kills", type=int, default=3, help="kill -9 of the daemon meanwhile")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="rocketd-outage-") as name, server() as there:
        told = outage(Path(name), there, around=options.around, seconds=options.outage, kills=options.kills)
    shown = json.dumps(told._asdict(), indent=1)
    print(shown)
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(f"{shown}\n")
    return 1 if told.lost or told.twice else 0


if __name__ == "__main__":
    raise SystemExit(main())
