"""Which run somebody means: by TASK/NUMBER, by its id, or by the beginning of its id."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol, TypeAlias

from rocketd.core.model.events import NoSuchRun, NoSuchTask, Refusal
from rocketd.core.model.records import RunFilter, RunView
from rocketd.core.model.task import Disabled
from rocketd.core.scheduler.scheduler import Scheduler

DisabledTasks: TypeAlias = Callable[[], Sequence[Disabled]]
"""Gives those of the task files as they were last read."""


class MissingTask(Protocol):
    """A task that an error in its file keeps back."""

    @property
    def message(self) -> str: ...
    @property
    def hint(self) -> str: ...


MissingTasks: TypeAlias = Callable[[], Mapping[str, MissingTask]]
"""Gives those, by name."""


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
        raise NoSuchTask(f"task {name!r} is disabled", hint=f"it has enabled = false in {one.task.file}:{one.line}")
    if gone := missing.get(name):
        raise NoSuchTask(gone.message, hint=gone.hint)
    scheduler.find(name)


LEAST_DIGITS: Final = 8
"""Of a run id, so that hardly a task has such a name: these tell when it started, to the minute."""

_GROUPS: Final = (8, 12, 16, 20)
"""After how many hexadecimal digits a UUID has its hyphens (RFC 9562, section 4)."""

_NAMED: Final = 3


def run_filter_of(which: str) -> RunFilter:
    """Read what names a run. One too many is asked for: then a beginning that several ids have is noticed."""
    if match := re.fullmatch(r"(.+)/(\d{1,18})", which):
        return RunFilter(task=match[1], number=int(match[2]), limit=1)
    return RunFilter(run_id=_as_written(which), limit=_NAMED + 1)


def _as_written(run_id: str) -> str:
    """Put a run id as it is recorded: small, with its hyphens; anything else is left as it is."""
    if not _may_be_cut(run_id):
        return run_id
    digits = run_id.replace("-", "").lower()
    return "".join(f"-{digit}" if place in _GROUPS else digit for place, digit in enumerate(digits))


def _may_be_cut(run_id: str) -> bool:
    """Whether it has as many digits as the beginning of an id must have."""
    return re.fullmatch(f"[0-9a-f]{{{LEAST_DIGITS},32}}", run_id.replace("-", "").lower()) is not None


def only_match(which: str, found: Sequence[RunView]) -> RunView:
    """Take the only one that was found; raises NoSuchRun, and Refused where there are several."""
    if "/" not in which and not _may_be_cut(which):
        found = [view for view in found if view.run.run_id == which]
    if not found:
        raise NoSuchRun(f"no run {which!r} is recorded", hint="rocketctl history shows the runs")
    if len(found) > 1:
        raise Refusal(f"several run ids begin with {which!r}", hint=f"name one: {_names(found)}")
    return found[0]


def _names(found: Sequence[RunView]) -> str:
    named = ", ".join(_name(view) for view in found[:_NAMED])
    return f"{named}, …" if len(found) > _NAMED else named


def _name(view: RunView) -> str:
    return f"{view.run.task}/{view.run.number}" if view.run.number else view.run.run_id
