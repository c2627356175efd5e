"""What is noted of each run that is handed off: files in the state directory that only root can read.

A note is there, and durable, before its job is submitted, and goes when the end of the run is recorded. So whoever
finds an open run knows whether its job can have been submitted, to which engine, and under which name, even if the
task has been removed meanwhile.
"""

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final

from rocketd.atomic_file import replace_file
from rocketd.core.dataclass import dataclass
from rocketd.core.instant import Instant
from rocketd.core.model.engine import Engine, EngineCommands, EngineKind, Kubernetes, RemoteManager, Slurm, Ssh
from rocketd.core.model.secret import Secret
from rocketd.core.model.task import Identity

DIRECTORY: Final = "handed-off"
_VERSION: Final = 1
_SUFFIX: Final = ".json"


@dataclass(frozen=True, slots=True)
class SubmissionNote:
    """What is noted of a run."""

    name: str
    """Of its job."""
    at: Instant
    """When it was about to be submitted."""
    engine: Engine
    identity: Identity | None
    """Whose rights the engine's commands have; None: those of the daemon."""
    id: str = ""
    """What the engine calls the job; empty: not known."""
    accepted: bool = False
    """Whether the engine said that it has the job."""


class SubmissionNotes:
    """The notes of one state directory. Blocks; methods that write raise OSError."""

    def __init__(self, state_directory: Path) -> None:
        self._directory = state_directory / DIRECTORY

    def write(self, run_id: str, note: SubmissionNote) -> None:
        """Write a note, or replace it; durable when this returns."""
        with suppress(FileExistsError):
            self._directory.mkdir(mode=0o700)
            _sync(self._directory.parent)
        content = json.dumps({"version": _VERSION, **asdict(note)}).encode()
        replace_file(self._path(run_id), content, mode=0o600)
        _sync(self._directory)

    def read(self, run_id: str) -> SubmissionNote | None:
        """Return the note of a run; None: there is none, or none that can be read."""
        try:
            return _note(json.loads(self._path(run_id).read_bytes()))
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return None

    def remove(self, run_id: str) -> None:
        """Remove the note of a run whose end is recorded, or which never began."""
        self._path(run_id).unlink(missing_ok=True)

    def run_ids(self) -> Iterator[str]:
        """Yield the ids of the runs that have a note."""
        with suppress(OSError):
            yield from [path.stem for path in self._directory.iterdir() if path.suffix == _SUFFIX]

    def _path(self, run_id: str) -> Path:
        return self._directory / f"{run_id}{_SUFFIX}"


def accepted(note: SubmissionNote, job_id: str) -> SubmissionNote:
    """Return the note of a job that its engine has."""
    return replace(note, id=job_id, accepted=True)


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _note(given: dict[str, Any]) -> SubmissionNote:
    if given["version"] != _VERSION:
        raise ValueError("the note is that of another version")
    engine, identity = given["engine"], given["identity"]
    return SubmissionNote(
        str(given["name"]),
        int(given["at"]),
        _engine(engine),
        None if identity is None else Identity(**{**identity, "groups": tuple(identity["groups"])}),
        str(given["id"]),
        bool(given["accepted"]),
    )


def _engine(given: dict[str, Any]) -> Engine:
    kind, by = EngineKind(given["kind"]), given["reached_by"]
    reached_by: Slurm | Kubernetes | Ssh | EngineCommands
    match kind:
        case EngineKind.SLURM:
            reached_by = Slurm(tuple((key, value) for key, value in by["options"]))
        case EngineKind.KUBERNETES:
            reached_by = Kubernetes(**{**by, "token": Secret(**by["token"])})
        case EngineKind.SSH:
            reached_by = Ssh(**{**by, "options": tuple(by["options"]), "manager": RemoteManager(by["manager"])})
        case EngineKind.COMMANDS:
            reached_by = EngineCommands(**{key: tuple(value) for key, value in by.items()})
    return Engine(kind, reached_by, int(given["interval"]))
