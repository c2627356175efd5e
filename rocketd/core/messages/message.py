"""A message of the log, the same for journald and for a terminal.

A MESSAGE_ID is a promise (systemd.journal-fields(7)); the catalog in `systemd/` explains each.
The sentences are in two tables: what happened to runs in `run_messages`, what the daemon did in `daemon_messages`.
"""

from collections.abc import Mapping
from enum import IntEnum, StrEnum

from rocketd.core.dataclass import dataclass, field


class Priority(IntEnum):
    """The levels of syslog(3)."""

    ERROR = 3
    WARNING = 4
    NOTICE = 5
    INFO = 6
    DEBUG = 7


class Stream(StrEnum):
    """Where a line of a task's output came from."""

    STDOUT = "stdout"
    STDERR = "stderr"


class MessageId(StrEnum):
    """What a message is about. The values never change, and none is used again for something else."""

    STARTED = "8b52f28f1bdb47afaf397643526c8a19"
    SPAWNED = "6d83a1c6017a4c01ac11632fad7d698b"
    SUCCEEDED = "6d60e08fc63341bfabf2ee54fd888019"
    INACTION = "8969c7f47fb44af898c947d0d5919715"
    FAILED = "a72ba8b0bdda46888a8723fa86cd1c39"
    TIMED_OUT = "afe31187a7a54d3e8256614ed7eadf78"
    STOPPED = "0f8f52c5f62649b3b43323f3e5015b9b"
    CRASHED = "cfef933b17a442c882392c3c3c6257a8"
    MISSED = "4db4fbacc4394bafaf721ae3c9441d0a"
    PAUSED = "28be03d137014cd4913b235828ba2ce3"
    RESUMED = "7e92feae7ecf4b98b70e00dae0eb5531"
    LEFT_OVERS = "3438b825358b4e59817bbfc6423c03b3"
    READY = "4fcbed9721844c3ababa6e428cf4bc7b"
    RELOADED = "8ee1c96e595e4ba68e919fb22e6e7a48"
    PROBLEM = "4f73b38147ef434da170440a4f9e927e"
    STOPPING = "02200b7e168a4dbcacccdd98b7fb4a78"
    CLOCK_STEP = "9a971e8278e44ee1bdd151c5d5777626"
    SUSPENDED = "d5a93a0e1422427e89f99cf70e6eac3d"
    STORE_DEGRADED = "07b4d763404b4af7a9e95d55b9077cd2"
    STORE_RECOVERED = "df69a1917c0a4ce689b82d7435b9eac3"
    STORE_SPOOLED = "d72d3bf3550949d4b0e1367c52b8f02a"
    DAMAGED = "75af2a7d4d8f48bea8bec4513990c3bf"
    REPOSITORY_AWAY = "1ab1d66defdf4f12884d818f5e1afbd5"
    REPOSITORY_BACK = "0f36c8d654324c8196fe8a0af43455d2"
    MAIL_FAILED = "9db056242e9c41418fab364831ae7556"
    MAIL_SENT_AGAIN = "aee7874ca7094277809fb29e6d19dc67"
    UNOBSERVED = "575fa924d2ab40e9b6dc8186e90f082e"
    OBSERVED_AGAIN = "5ce0afba5b6043c19522b6e55c3d9a56"
    WITHDRAWN = "2705122a586748bb98b69bf1ebc8deba"
    SHORTAGE = "5cbb8f1cb8574fb984d306e16fa92365"
    SHORTAGE_OVER = "a800fe9c19b74720965592ec7a2b54cd"
    LINES_LEFT_OUT = "1bf6ab901828408a8fdc16abf1d9a18b"
    HOOK_FAILED = "5bd0118aa392471baff9425ba589a87b"
    OVERDUE = "35d6b0b0d9e9429cb5c7e161750ddd17"
    SLOW = "fda29b47c9eb435cab1912f170dcd024"
    UNDELIVERED = "6e809e128c4547eeafe5fd02f715e445"
    DELIVERED_AGAIN = "106321b2f98048398415ccab67dc954f"
    GIVEN_UP = "89b485ebe0784031b80b1d85cefd2db7"


@dataclass(frozen=True, slots=True)
class Message:
    """One entry of the log: a sentence, how urgent it is, and fields to search by."""

    message: str
    priority: Priority = Priority.INFO
    message_id: str = ""
    """32 hex digits; empty: none."""
    fields: Mapping[str, str] = field(default_factory=dict)
    """Names of capital letters, digits and underscores."""
    identifier: str = "rocketd"
    """SYSLOG_IDENTIFIER: who speaks; for a task's output, the task."""

    @property
    def is_output(self) -> bool:
        """Whether it is a line that a task printed."""
        return "ROCKETD_STREAM" in self.fields
