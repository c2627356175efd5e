"""The past as conditions see it: what they may ask for, and what must be kept for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rocketd.core.instant import Duration, Instant
    from rocketd.core.model.absence import Absence
    from rocketd.core.model.clock_steps import ClockSteps
    from rocketd.core.model.logged_events import LoggedEvent, LoggedInstant
    from rocketd.core.model.run import Action, Run
    from rocketd.core.model.task_history import TaskHistory


class HistoryNeed(NamedTuple):
    """Which instants of the past a condition asks for: those of one action that are younger than `reach`."""

    task: str
    """Empty: the task whose condition it is."""
    action: Action
    reach: Duration


class Observation(NamedTuple):
    """The last observation of a probe."""

    value: bool | None
    since: Instant
    """From when on it has been observed so without a break."""
    good_until: Instant
    problem: str = ""


class PastView(Protocol):
    """The past of one task, or of several together."""

    def instants_between(self, action: Action, start: Instant, end: Instant) -> list[Instant]: ...
    def last_instant(self, action: Action) -> Instant | None: ...
    def active(self) -> list[tuple[Run, Instant | None]]: ...


class SelectionView(Protocol):
    """The tasks that some names, patterns among them, stand for."""

    @property
    def members(self) -> Mapping[str, LoggedInstant]: ...
    def newest(self, kind: str, find: Callable[[TaskHistory], LoggedEvent | None]) -> list[tuple[int, str]]: ...
    def counts(self, name: str, event: LoggedEvent) -> bool: ...


class SelectionsView(Protocol):
    """All of these."""

    cycles: Mapping[str, int]

    def get(self, names: tuple[str, ...]) -> SelectionView: ...
    def past_of(self, task: str, own: str) -> PastView: ...


class HistoryView(Protocol):
    """The past of all tasks, and the last observation of each probe."""

    host: str
    """What spreads the splay of equal tasks over many hosts."""
    absence: Absence | None
    """The last time in which the scheduler decided nothing; None: not known."""
    resume_spread: Duration
    """Over how long the starts are spread that became due in an absence."""
    first_pass_at: Instant | None
    """When the scheduler had its first pass; None: it has had none."""
    booted_at: Instant | None
    """When the host booted, by the present setting of the clock; None: not known."""
    cycles: int
    """How many passes it has had, the present one included."""
    steps: ClockSteps

    @property
    def selections(self) -> SelectionsView:
        """The tasks that patterns stand for."""
        ...

    def of(self, task: str) -> TaskHistory:
        """Return the history of that task; an empty one where there is none."""
        ...

    def knows(self, task: str) -> bool:
        """Whether that task is loaded. Of one that is not, nothing is known."""
        ...

    def observation(self, probe: str) -> Observation | None:
        """Return the last observation of that probe; None: there is none, or it is no longer observed."""
        ...
