"""The engine that a task's runs are handed off to: another scheduler, and how it is reached."""

from enum import StrEnum
from typing import TypeAlias

from rocketd.core.dataclass import dataclass, field
from rocketd.core.instant import SECOND, Duration
from rocketd.core.model.secret import Secret

Options: TypeAlias = tuple[tuple[str, str], ...]
"""Names and values, in the words of the engine."""


class EngineKind(StrEnum):
    """A scheduler that rocketd can hand runs off to."""

    SLURM = "slurm"
    KUBERNETES = "kubernetes"
    SSH = "ssh"
    """systemd on another host."""
    COMMANDS = "commands"
    """Three commands of the user's own."""


class RemoteManager(StrEnum):
    """Which systemd of a host carries out runs."""

    SYSTEM = "system"
    USER = "user"
    """That of the user who logs in."""


@dataclass(frozen=True, slots=True)
class Slurm:
    """A cluster with Slurm, as the host's configuration of Slurm says."""

    options: Options = ()
    """Long options of sbatch; the value of one that takes none is empty."""


@dataclass(frozen=True, slots=True)
class Kubernetes:
    """A cluster with Kubernetes."""

    server: str
    """The URL of its API."""
    image: str
    namespace: str = "default"
    token: Secret = field(default_factory=Secret)
    """That of a service account."""
    ca_file: str = ""
    """Certificates of the authorities that are trusted; empty: the host's."""
    pod: str = "{}"
    """Further fields of the pod's `spec`, as a JSON object."""
    container: str = "{}"
    """Further fields of its container, likewise."""


@dataclass(frozen=True, slots=True)
class Ssh:
    """Another host, reached by ssh."""

    host: str
    """As ssh takes it: `HOST` or `USER@HOST`."""
    options: tuple[str, ...] = ()
    """Arguments of ssh."""
    manager: RemoteManager = RemoteManager.SYSTEM
    user: str = ""
    """Who runs are carried out as there; empty: as the manager does by itself."""


@dataclass(frozen=True, slots=True)
class EngineCommands:
    """Three commands that hand a run off, say how it is, and stop it."""

    submit: tuple[str, ...]
    status: tuple[str, ...]
    cancel: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Engine:
    """What carries out the runs of a task, and how often it is asked about them."""

    kind: EngineKind
    reached_by: Slurm | Kubernetes | Ssh | EngineCommands
    interval: Duration = 15 * SECOND
    """The longest time between two questions about the same run: engines report nothing by themselves."""
