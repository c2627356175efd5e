"""What the journal is told about each event: one table, the same for journald and for a terminal.

A MESSAGE_ID is a promise (systemd.journal-fields(7)); the catalog in `systemd/` explains each.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum


class Priority(IntEnum):
    """The levels of syslog(3)."""

    ERROR = 3
    WARNING = 4
    NOTICE = 5
    INFO = 6
    DEBUG = 7


@dataclass(frozen=True, slots=True)
class Entry:
    """One journal entry: a sentence, how urgent it is, and fields to search by."""

    message: str
    priority: Priority = Priority.INFO
    message_id: str = ""
    """32 hex digits; empty: none."""
    fields: Mapping[str, str] = field(default_factory=dict)
    """Names of capital letters, digits and underscores."""
    identifier: str = "rocketd"
    """SYSLOG_IDENTIFIER: who speaks; for a task's output, the task."""
