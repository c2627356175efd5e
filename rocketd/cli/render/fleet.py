"""The hosts of a fleet as a table."""

from collections.abc import Sequence
from typing import Final

from rocketd.cli.json_fields import duration, instant, number, objects, text, words
from rocketd.cli.render import time_format
from rocketd.cli.render.columns import table
from rocketd.cli.render.tables import RenderOptions
from rocketd.cli.render.terminal_text import FAINT, GREEN, PLAIN, RED, YELLOW, Cell
from rocketd.core.duration import approximate_duration
from rocketd.core.instant import MILLISECOND, SECOND, Duration
from rocketd.core.plural import counted
from rocketd.daemon.json_format import JsonObject

_NAMED: Final = 3
"""How many tasks that differ to name."""
_WRONG: Final[Duration] = SECOND // 2
"""How far a clock may differ before it is marked."""


def fleet_page(answer: JsonObject, look: RenderOptions) -> list[str]:
    """Draw the hosts of a fleet, and a summary."""
    hosts = objects(answer.get("hosts"))
    headings = ("HOST", "LEASE", "CLOCK", "VERSION", "TASKS", "RUNNING", "NOTE")
    rows = [_row(host, text(answer, "host")) for host in hosts]
    return [*table(headings, rows, columns=look.columns, colour=look.colour), "", _summary(answer, hosts)]


def _row(host: JsonObject, here: str) -> list[Cell]:
    return [
        Cell(text(host, "host")),
        _lease(host),
        _clock(duration(host, "clock_offset")),
        Cell(text(host, "version")),
        Cell(str(number(host, "tasks") or 0)),
        Cell(str(number(host, "running") or 0) if text(host, "state") == "alive" else time_format.NEVER),
        Cell("; ".join(_notes(host, here))),
    ]


def _lease(host: JsonObject) -> Cell:
    since = time_format.local(instant(host, "seen"))
    match text(host, "state"):
        case "alive":
            return Cell(approximate_duration(max(duration(host, "lease_left") or 0, MILLISECOND)), GREEN)
        case "stopped":
            return Cell(f"stopped {since}", FAINT)
        case "lost":
            return Cell(f"lost since {since}", RED)
    return Cell(f"silent since {since}", YELLOW)


def _clock(offset: Duration | None) -> Cell:
    if offset is None:
        return Cell(time_format.NEVER)
    sign = "-" if offset < 0 else "+"
    return Cell(f"{sign}{approximate_duration(abs(offset))}", RED if abs(offset) >= _WRONG else PLAIN)


def _notes(host: JsonObject, here: str) -> list[str]:
    notes = ["this host"] if text(host, "host") == here else []
    if tags := words(host, "tags"):
        notes.append(" ".join(f"@{tag}" for tag in tags))
    if owned := number(host, "owned"):
        notes.append(f"owns {counted(owned, 'task')}")
    if obstacle := text(host, "obstacle"):
        notes.append(obstacle if obstacle == "drained" else f"owns no tasks: {obstacle}")
    if waiting := number(host, "waiting"):
        notes.append(f"{counted(waiting, 'record')} not sent yet")
    if differs := words(host, "differs"):
        more = f" and {len(differs) - _NAMED} more" if len(differs) > _NAMED else ""
        notes.append(f"{', '.join(differs[:_NAMED])}{more} differ{'s' if len(differs) == 1 else ''} from other hosts")
    return notes


def _summary(answer: JsonObject, hosts: Sequence[JsonObject]) -> str:
    alive = sum(text(host, "state") == "alive" for host in hosts)
    return f"Fleet {text(answer, 'fleet')}: {counted(len(hosts), 'host')}, {alive} alive."
