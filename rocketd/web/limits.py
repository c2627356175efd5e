"""The limits of requests and answers."""

from typing import Final

HEAD_BYTES: Final = 16 * 1024
BODY_BYTES: Final = 64 * 1024

MAX_CONNECTIONS: Final = 256
"""Open at the same time, in total, and at most a quarter of the open files; further ones are refused."""
MAX_CONNECTIONS_PER_USER: Final = 64
"""Open at the same time, of one uid: no user can keep the others out."""
MAX_VIEWERS: Final = 128
"""Open at the same time on the socket of viewers and operators, who so keep nobody away from the other one."""
MAX_CONNECTIONS_PER_VIEWER: Final = 16

MAX_RUNS: Final = 16_384
"""The most runs in one response; for more, divide the time by `since` and `until`."""

PAGE_RUNS: Final = 250
"""The runs on one page of the log: with the tails of their output, some megabytes at most."""

MAX_SHOWN: Final = 10
"""Tasks in each list of an overview, but that of the running ones."""
MAX_RUNNING_SHOWN: Final = 50

STEP: Final = 900
"""Seconds of a stretch of statistics, about all tasks."""
STEP_OF_ONE: Final = 86_400
DAYS_OF_ONE: Final = 90
"""How far statistics about one task look back."""
MAX_STEP: Final = 31 * 86_400
MAX_STRETCHES: Final = 1_000

MAX_REASON_LENGTH: Final = 1_000
MAX_PATTERN: Final = 256
"""Characters of a search."""
MAX_HOST: Final = 100
"""Characters of the name of a host of a fleet."""
