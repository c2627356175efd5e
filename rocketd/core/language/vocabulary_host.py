"""The words about the host and the scheduler itself: their part of the table of words."""

from typing import Final

from rocketd.core.conditions.host_conditions import CommandSucceeds, EnvironmentIs, LoadBelow, PathExists, UnitActive
from rocketd.core.conditions.host_uptime import HostUp
from rocketd.core.conditions.scheduler_conditions import SchedulerCycles, SchedulerRunning
from rocketd.core.language.word import ArgumentKind, Word, WordArgument

_COMMAND: Final = (
    WordArgument("command", ArgumentKind.COMMAND),
    WordArgument("every", ArgumentKind.DURATION, required=False, by_name=True),
    WordArgument("timeout", ArgumentKind.DURATION, required=False, by_name=True),
)
_VARIABLE: Final = (
    WordArgument("name", ArgumentKind.VARIABLE),
    WordArgument("value", ArgumentKind.CHOICE, required=False),
)
_AGES: Final = (
    WordArgument("more_than", ArgumentKind.DURATION, required=False, by_name=True),
    WordArgument("less_than", ArgumentKind.DURATION, required=False, by_name=True),
)
_COUNTS: Final = (
    WordArgument("more_than", ArgumentKind.COUNT, required=False, by_name=True),
    WordArgument("less_than", ArgumentKind.COUNT, required=False, by_name=True),
)

HOST_WORDS: Final = (
    Word(
        "path_exists",
        "While a path exists; symbolic links are followed.",
        'path_exists("/run/backup/ready")',
        PathExists.of,
        (WordArgument("path", ArgumentKind.PATH),),
        phrase="path '/run/backup/ready' exists",
    ),
    Word(
        "unit_active",
        "While a unit of systemd is active, as `systemctl is-active` says.",
        'unit_active("postgresql.service")',
        UnitActive.of,
        (WordArgument("unit", ArgumentKind.UNIT),),
        phrase="unit 'postgresql.service' is active",
    ),
    Word(
        "load_below",
        "While the load of the host, averaged over a minute, is below a number; checked every 15 s.",
        "load_below(2.0)",
        LoadBelow.of,
        (WordArgument("limit", ArgumentKind.NUMBER),),
        phrase="load below 2.0",
    ),
    Word(
        "command_succeeds",
        "While a command exits with 0; by default it is run every 30 s for up to 10 s, as the user of the daemon.",
        'command_succeeds("pg_isready -q", every="1min")',
        CommandSucceeds.of,
        _COMMAND,
        phrase="command 'pg_isready -q' succeeds every 1min",
    ),
    Word(
        "env",
        "If a variable of the daemon's environment has the given value, or, without one, is set at all.",
        'env("STAGE", "production")',
        EnvironmentIs.of,
        _VARIABLE,
        phrase="env 'STAGE' is 'production'",
    ),
    Word(
        "host_up",
        "While the host has been up for at least one given time, and less than another.",
        'host_up(more_than="15min")',
        HostUp.of,
        _AGES,
        phrase="host up more than 15min",
    ),
    Word(
        "scheduler_running",
        "While the scheduler has been running for at least one given time, and less than another.",
        'scheduler_running(more_than="10min")',
        SchedulerRunning(),
        _AGES,
    ),
    Word(
        "scheduler_cycles",
        "While the scheduler has made more passes than one number and fewer than another; it never causes a pass.",
        "scheduler_cycles(more_than=100)",
        SchedulerCycles(),
        _COUNTS,
    ),
)
