"""Which run somebody means: by TASK/NUMBER, by its id, or by the beginning of its id."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from rocketd.core.model.events import NoSuchRun, NoSuchTask, Refusal
from rocketd.core.model.records import RunFilter, RunView

if TYPE_CHECKING:
    from rocketd.core.model.task import Disabled
    from rocketd.core.scheduler.scheduler import Scheduler
    from rocketd.daemon.task_file_source import MissingTask


def find_disabled(disabled: Sequence[Disabled], name: str) -> Disabled | None:
    """Find the one of that name."""
    return next((one for one in disabled if one.task.name == name), None)


def require_loaded(
    scheduler: Scheduler, disabled: Sequence[Disabled], missing: Mapping[str, MissingTask], name: str
) -> None:
    """Raise NoSuchTask for a task that is not, and say so if that is because it is disabled, or its file has errors."""
    if name in scheduler.tasks:
        return
    if one := find_disabled(disabled, name):
        raise NoSuchTask(f"task {name!r} is disabled", hint=f"it {one.reason} in {one.task.file}:{one.line}")
    if absent := missing.get(name):
        raise NoSuchTask(absent.message, hint=absent.hint)
    now = next((entry.task.name for entry in scheduler.tasks.values() if name in entry.task.formerly), "")
    if now:
        raise NoSuchTask(f"no task {name!r} is loaded", hint=f"it is {now} now (its formerly)")
    scheduler.find(name)


LEAST_DIGITS: Final = 8
"""The fewest characters of a run id: they encode its start to the minute, so hardly a task has such a name."""

_GROUPS: Final = (8, 12, 16, 20)
"""After how many hexadecimal digits a UUID has its hyphens (RFC 9562, section 4)."""

_MAX_NAMED: Final = 3


def run_filter_of(reference: str) -> RunFilter:
    """Read what names a run. One too many is asked for: then a beginning that several ids have is noticed."""
    if match := re.fullmatch(r"(.+)/(\d{1,18})", reference):
        return RunFilter(task=match[1], number=int(match[2]), limit=1)
    return RunFilter(run_id=_normalized(reference), limit=_MAX_NAMED + 1)


def _normalized(run_id: str) -> str:
    """Put a run id as it is recorded: small, with its hyphens; anything else is left as it is."""
    if not _may_be_abbreviated(run_id):
        return run_id
    digits = run_id.replace("-", "").lower()
    return "".join(f"-{digit}" if place in _GROUPS else digit for place, digit in enumerate(digits))


def _may_be_abbreviated(run_id: str) -> bool:
    """Whether it has as many digits as the beginning of an id must have."""
    return re.fullmatch(f"[0-9a-f]{{{LEAST_DIGITS},32}}", run_id.replace("-", "").lower()) is not None


def only_match(reference: str, matches: Sequence[RunView]) -> RunView:
    """Take the only one that was found; raises NoSuchRun, and Refused where there are several."""
    if "/" not in reference and not _may_be_abbreviated(reference):
        matches = [view for view in matches if view.run.run_id == reference]
    if not matches:
        raise NoSuchRun(f"no run {reference!r} is recorded", hint="rocketctl history shows the runs")
    if len(matches) > 1:
        raise Refusal(f"several run ids begin with {reference!r}", hint=f"name one: {_names(matches)}")
    return matches[0]


def _names(matches: Sequence[RunView]) -> str:
    names = ", ".join(_name(view) for view in matches[:_MAX_NAMED])
    return f"{names}, …" if len(matches) > _MAX_NAMED else names


def _name(view: RunView) -> str:
    return f"{view.run.task}/{view.run.number}" if view.run.number else view.run.run_id
