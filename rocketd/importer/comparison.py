"""The times of an entry where it is now beside those of its task."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Final

from rocketd.core.dataclass import dataclass, field
from rocketd.core.instant import Instant, datetime_of
from rocketd.core.language.parser import parse
from rocketd.core.model.task import Command, Task
from rocketd.core.scheduler.forecast import starts
from rocketd.importer.reference_times import MOST, CronAnswers, CronQuestion, calendar_times, cron_times
from rocketd.time_zones import local_zone, named_zone

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rocketd.importer.task_draft import TaskDraft

_NEAR: Final = timedelta(hours=3)


@dataclass(slots=True)
class Comparison:
    """The times of one task: wall times of its zone."""

    task: str
    zone: tzinfo
    zone_name: str = ""
    """If the entry names a zone, which one; empty: the host's."""
    old: list[datetime] = field(default_factory=list)
    new: list[datetime] = field(default_factory=list)
    by: str = ""
    """Whose reckoning the old ones are."""
    explained: str = ""
    """Why they are not compared, or differ; empty: no reason is known."""
    differing: list[datetime] = field(default_factory=list)
    """Times that only one of the two has, and for which no reason is known."""


def compare(drafts: Sequence[TaskDraft], begin: Instant, end: Instant) -> list[Comparison]:
    """Compare the times between two instants, at most `MOST` of each task."""
    zones = [named_zone(draft.old.zone) if draft.old.zone else local_zone() for draft in drafts]
    cron = [
        (draft, zone)
        for draft, zone in zip(drafts, zones, strict=True)
        if draft.old.lines and not draft.old.is_calendar
    ]
    asked = [CronQuestion(draft.old.lines[0], _wall(begin, zone), _wall(end, zone)) for draft, zone in cron]
    answers = cron_times(asked) if asked else CronAnswers("", [])
    by_cron = {draft.name: answer for (draft, _), answer in zip(cron, answers.times, strict=True)}
    found = []
    for draft, zone in zip(drafts, zones, strict=True):
        one = Comparison(draft.name, zone, draft.old.zone, by=answers.by)
        if draft.clock:
            one.new = [_wall(at, zone) for at in _new_times(draft, zone, begin, end)]
        if draft.old.unlike:
            one.explained = draft.old.unlike
        elif draft.old.is_calendar:
            _with_calendar(one, draft, zone, begin, end)
        else:
            _with(one, by_cron[draft.name], zone)
        found.append(one)
    return found


def _wall(at: Instant, zone: tzinfo) -> datetime:
    return datetime_of(at, zone).replace(tzinfo=None)


def _new_times(draft: TaskDraft, zone: tzinfo, begin: Instant, end: Instant) -> list[Instant]:
    """Return when the scheduler itself would start the task, without its splay."""
    task = Task(draft.name, Command(("true",)), parse(draft.clock, named_zone), zone=zone)
    return starts(task, begin, MOST, end).instants


def _with_calendar(one: Comparison, draft: TaskDraft, zone: tzinfo, begin: Instant, end: Instant) -> None:
    one.by = "systemd-analyze"
    old: set[Instant] = set()
    for line in draft.old.lines:
        answer = calendar_times(line, begin, end)
        if isinstance(answer, str):
            one.explained = answer
            return
        old.update(answer)
    _with(one, [_wall(at, zone) for at in sorted(old)][:MOST], zone)


def _with(one: Comparison, old: list[datetime] | str, zone: tzinfo) -> None:
    """Compare up to where the shorter list was cut off."""
    if isinstance(old, str):
        one.explained = old
        return
    one.old = old
    cut = [times[-1] for times in (old, one.new) if len(times) >= MOST]
    differing = {at for at in {*old} ^ {*one.new} if not cut or at <= min(cut)}
    if differing:
        one.differing = sorted(at for at in differing if not _clock_changes(at, zone))
        one.explained = "" if one.differing else "the clock is changed then"


def _clock_changes(at: datetime, zone: tzinfo) -> bool:
    """Whether the clocks are changed about then."""
    before, after = ((at + by).replace(tzinfo=zone).utcoffset() for by in (-_NEAR, _NEAR))
    return before != after or at.replace(tzinfo=zone).astimezone(UTC).astimezone(zone).replace(tzinfo=None) != at
