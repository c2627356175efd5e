"""What `rocketctl import` shows beside the files: the old and the new times, and a summary."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rocketd.cli.render.columns import table
from rocketd.cli.render.terminal_text import GREEN, RED, Cell, visible_lines
from rocketd.core.plural import counted
from rocketd.importer.cron_files import IS_DEBIAN
from rocketd.importer.task_file_text import task_file_text
from rocketd.time_zones import local_zone

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from rocketd.cli.render.tables import RenderOptions
    from rocketd.daemon.json_format import Json, JsonObject
    from rocketd.importer.comparison import Comparison
    from rocketd.importer.task_draft import ImportedFile

_SHOWN: Final = 5
"""How many differing times of a task to show."""


def comparison_lines(compared: Sequence[Comparison], look: RenderOptions) -> list[str]:
    """Draw the next old and new time of each task, by the clock of this host, and how the two lists compare."""
    rows = [
        [
            Cell(one.task),
            Cell(_time(one, one.old)),
            Cell(_time(one, one.new)),
            Cell(str(len(one.new)), ""),
            _verdict(one),
        ]
        for one in compared
    ]
    lines = table(("TASK", "OLD NEXT", "NEW NEXT", "TIMES", "COMPARED"), rows, columns=look.columns, colour=look.colour)
    lines += _zone_lines(compared)
    for one in compared:
        for at in one.differing[:_SHOWN]:
            where = f" ({at:%a %H:%M} in {one.zone_name})" if one.zone_name else ""
            lines.append(
                f"{one.task}: {_at_host(one, at):%a %Y-%m-%d %H:%M:%S}{where} is only in the "
                f"{'old' if at in one.old else 'new'} schedule"
            )
    return lines


def _time(one: Comparison, times: Sequence[datetime]) -> str:
    return f"{_at_host(one, times[0]):%a %m-%d %H:%M}" if times else "-"


def _at_host(one: Comparison, at: datetime) -> datetime:
    return at.replace(tzinfo=one.zone).astimezone(local_zone())


def _verdict(one: Comparison) -> Cell:
    if one.differing:
        return Cell(f"{len(one.differing)} differ ({one.by})", RED)
    return Cell(one.explained) if one.explained else Cell(f"equal ({one.by})", GREEN)


def _zone_lines(compared: Sequence[Comparison]) -> Iterator[str]:
    """Say what the clock shows in the zone of an entry: below the table, where nothing is cut off."""
    for one in compared:
        if one.zone_name and (there := next(iter(one.new or one.old), None)):
            ignored = (
                f"; Debian's cron ignores CRON_TZ and starts it at {there:%H:%M} of this host" if IS_DEBIAN else ""
            )
            yield f"{one.task}: next {there:%a %H:%M} in {one.zone_name}{ignored}"


def summary(files: Sequence[ImportedFile], compared: Sequence[Comparison]) -> str:
    """Return what became of all entries, in a sentence."""
    drafts = [draft for file in files for draft in file.drafts]
    parts = [f"{counted(len(drafts), 'entry', 'entries')} imported"]
    disabled = sum(draft.settings.get("enabled") is False for draft in drafts)
    parts += [f"{disabled} of them disabled"] if disabled else []
    if rejected := sum(len(file.rejected) for file in files):
        parts.append(f"{rejected} not imported (see NOT IMPORTED)")
    if compared:
        equal = sum(not one.explained and not one.differing for one in compared)
        explained = sum(bool(one.explained) and not one.differing for one in compared)
        parts.append(f"{equal} with equal times")
        parts += [f"{explained} not compared, for the reason shown"] if explained else []
        if differing := sum(bool(one.differing) for one in compared):
            parts.append(f"{differing} DIFFER")
    return ", ".join(parts)


def imported_object(files: Sequence[ImportedFile], compared: Sequence[Comparison]) -> JsonObject:
    """Return everything for JSON."""
    return {
        "files": [_file(file) for file in files],
        "comparison": [
            {
                "task": one.task,
                "by": one.by,
                "timezone": one.zone_name or None,
                "old": _written(one, one.old),
                "new": _written(one, one.new),
                "explained": one.explained,
                "differing": _written(one, one.differing),
            }
            for one in compared
        ],
    }


def _written(one: Comparison, times: Sequence[datetime]) -> list[Json]:
    """Write times as RFC 3339 has them, with the offset of the zone of the entry."""
    return [at.replace(tzinfo=one.zone).isoformat() for at in times]


def _file(file: ImportedFile) -> Json:
    return {
        "source": file.source,
        "file": f"{file.name}.toml",
        "text": task_file_text(file),
        "tasks": [
            {
                "task": draft.name,
                "origin": draft.origin,
                "original": [*visible_lines("\n".join(draft.original))],
                "when": draft.when,
                "notes": [*draft.notes],
                "no_equivalent": [*draft.missing],
            }
            for draft in file.drafts
        ],
        "not_imported": [{"origin": one.origin, "original": one.original, "why": one.why} for one in file.rejected],
    }
