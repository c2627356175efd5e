"""What everything that uses units shares: one connection to systemd, and what all units of this daemon have."""

import os
from collections.abc import Mapping

from rocketd.core.clock import Clock
from rocketd.core.dataclass import dataclass, field
from rocketd.core.model.task import Identity
from rocketd.executor.process.environment import clean_environment, own_identity
from rocketd.executor.unit.connection import ManagerConnection
from rocketd.executor.unit.run_files import RunFiles
from rocketd.executor.unit.run_journal import RunJournal
from rocketd.executor.unit.unit_name import UnitNames


def _clean_environment() -> Mapping[str, str]:
    return clean_environment(os.environ.get("LANG", ""))


@dataclass(frozen=True, slots=True)
class UnitContext:
    """Make it on the thread of a running loop."""

    clock: Clock
    files: RunFiles
    service: str
    """The daemon's own unit; empty: it is not a system service."""
    names: UnitNames = field(default_factory=UnitNames)
    connection: ManagerConnection = field(default_factory=ManagerConnection)
    journal: RunJournal = field(default_factory=RunJournal)
    identity: Identity = field(default_factory=own_identity)
    """That of the daemon."""
    environment: Mapping[str, str] = field(default_factory=_clean_environment)
    """The variables that all programs get."""
