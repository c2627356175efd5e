"""Scenes on a disk of their own, played in the directory that is named: what the store says, one line each."""

import os
import subprocess
import sys
from pathlib import Path

from rocketd.core.errors import StoreError
from rocketd.core.model.events import Started
from rocketd.core.model.records import Alive, RunFilter
from rocketd.core.model.run import Run, Trigger
from rocketd.store.sqlite.store import SqliteStore, open_reader


def run(number: int) -> Run:
    return Run("backup", number, f"id-{number}", 1, 0, 0, Trigger.SCHEDULE, "daily")


def say(*words: object) -> None:
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


def full() -> None:
    """Fill the disk, write until it fails, make room, go on."""
    store = SqliteStore(Path.cwd())
    store.write([Alive(1)])
    ballast = Path("ballast")
    written = 0
    try:
        _fill(ballast)
        while True:
            store.write([Started(run(written + 1))])
            written += 1
    except StoreError as error:
        say(f"{error.message}, temporary: {error.temporary}")
    ballast.unlink()
    store.write([Started(run(written + 1))])
    say("all that was written is there:", len(store.open_runs()) == written + 1)


def _fill(ballast: Path) -> None:
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            return


def read_only() -> None:
    """Make the disk read-only and writable again under an open store."""
    here = Path.cwd()
    store = SqliteStore(here)
    store.write([Alive(1)])
    store.close()
    subprocess.run(["mount", "-o", "remount,ro", str(here)], check=True)
    try:
        store.write([Alive(2)])
    except StoreError as error:
        say(f"{error.message}, temporary: {error.temporary}")
    say("read meanwhile:", open_reader(here).last_alive())
    subprocess.run(["mount", "-o", "remount,rw", str(here)], check=True)
    store.write([Alive(2)])
    say("written again:", store.last_alive())


def as_nobody() -> None:
    """Look into a store as a user who may only read it."""
    os.setuid(65534)
    say("runs:", len(open_reader(Path.cwd()).runs(RunFilter())))


if __name__ == "__main__":
    os.chdir(sys.argv[2])
    {"full": full, "read_only": read_only, "as_nobody": as_nobody}[sys.argv[1]]()
