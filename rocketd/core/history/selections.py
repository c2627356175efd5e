"""What several tasks have in common of the past: those that the patterns of a condition match.

A task counts from when it came into the selection: an older end of it starts nothing.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from typing import TYPE_CHECKING, Final

from rocketd.core.model.logged_events import BEFORE_ALL, LoggedInstant
from rocketd.core.model.task_patterns import TaskPattern, is_pattern

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from rocketd.core.instant import Instant
    from rocketd.core.model.logged_events import LoggedEvent
    from rocketd.core.model.run import Action, Run
    from rocketd.core.model.task_history import TaskHistory


class Selection:
    """The tasks that some names, patterns among them, stand for. It keeps what it has found out until an event."""

    def __init__(self, of: Callable[[str], TaskHistory], members: Mapping[str, LoggedInstant]) -> None:
        self._of = of
        self.members = members
        """Each task, and since when it counts; BEFORE_ALL: it is named itself."""
        self.leaving: tuple[str, ...] = ()
        """Those that were in it and have an active run: they count as running until it ends."""
        self._newest: dict[str, list[tuple[int, str]]] = {}
        self._events: dict[Action, list[tuple[Instant, str]]] = {}
        self._running: list[tuple[str, Run, Instant | None]] | None = None

    def forget(self) -> None:
        """Forget what was found out: something has happened to one of the tasks."""
        self._newest.clear()
        self._events.clear()
        self._running = None

    def newest(self, kind: str, find: Callable[[TaskHistory], LoggedEvent | None]) -> list[tuple[int, str]]:
        """Return the places in the log of the tasks' newest events of that kind, and the tasks; the newest first."""
        found = self._newest.get(kind)
        if found is None:
            events = ((name, find(self._of(name))) for name in self.members)
            counted = [(event.position, name) for name, event in events if event and self.counts(name, event)]
            found = self._newest[kind] = sorted(counted, reverse=True)
        return found

    def counts(self, name: str, event: LoggedEvent) -> bool:
        """Whether that happened after the task had come into the selection."""
        return self._of(name).is_after(event, self.members[name])

    def events(self, action: Action) -> list[tuple[Instant, str]]:
        """Return when such events happened, as far as they are kept, and to which task; ascending."""
        found = self._events.get(action)
        if found is None:
            found = self._events[action] = sorted(
                (at, name)
                for name, since in self.members.items()
                for at in self._of(name).instants_after(action, since)
            )
        return found

    def running(self) -> list[tuple[str, Run, Instant | None]]:
        """Return the active runs: the task, the run, and when it got its process."""
        if self._running is None:
            pasts = ((name, self._of(name)) for name in (*self.members, *self.leaving))
            self._running = [
                (name, run, past.spawned_at.get(number)) for name, past in pasts for number, run in past.running.items()
            ]
        return self._running


class SelectedPast:
    """The past of a selection, but of one task, as the words about the past ask for it."""

    def __init__(self, selection: Selection, but: str) -> None:
        self._selection, self._but = selection, but

    def instants_between(self, action: Action, start: Instant, end: Instant) -> list[Instant]:
        """Return when that happened in [start, end), ascending."""
        events = self._selection.events(action)
        some = events[bisect_left(events, (start, "")) : bisect_left(events, (end, ""))]
        return [at for at, name in some if name != self._but]

    def last_instant(self, action: Action) -> Instant | None:
        """Return when that happened last; None: never."""
        return next((at for at, name in reversed(self._selection.events(action)) if name != self._but), None)

    def active(self) -> list[tuple[Run, Instant | None]]:
        """Return the active runs, and when each got its process."""
        return [(run, begun) for name, run, begun in self._selection.running() if name != self._but]


_NO_SELECTIONS: Final[Sequence[Selection]] = ()


class Selections:
    """The selections that conditions ask for, each resolved once for all of them."""

    def __init__(self, of: Callable[[str], TaskHistory]) -> None:
        self._of = of
        self._tags: dict[str, tuple[str, ...]] = {}
        """Of each loaded task."""
        self._known: dict[tuple[str, ...], Selection] = {}
        self._former: dict[tuple[str, ...], Selection] = {}
        """What they were before the tasks changed; resolved again when they are asked for."""
        self._of_task: dict[str, list[Selection]] = defaultdict(list)
        self.cycles: Mapping[str, int] = {}
        """Tasks that would start each other by patterns, by a number for each such circle: in it no pattern counts."""

    def load(self, name: str, tags: tuple[str, ...]) -> None:
        """Note that a task is loaded, with these tags."""
        if self._tags.get(name) != tags:
            self._tags[name] = tags
            self._resolve_again()

    def unload(self, name: str) -> None:
        """Note that it is not."""
        if self._tags.pop(name, None) is not None:
            self._resolve_again()

    def of_task(self, name: str) -> Iterable[tuple[str, ...]]:
        """Return the names of those that the task is in, or was in as its active run began."""
        return [names for names, found in self._known.items() if name in found.members or name in found.leaving]

    def get(self, names: tuple[str, ...]) -> Selection:
        """Return what these names stand for now."""
        found = self._known.get(names)
        if found is None:
            found = self._known[names] = self._resolve(names)
        return found

    def tags_of(self, name: str) -> tuple[str, ...]:
        """Return the tags of a loaded task."""
        return self._tags.get(name, ())

    def named_by(self, task: str) -> Iterable[str]:
        """Return the tasks that a pattern stands for; of a name that is none, itself."""
        return self.get((task,)).members if is_pattern(task) else (task,)

    def past_of(self, task: str, own: str) -> TaskHistory | SelectedPast:
        """Return the past of that task, or of those that a pattern stands for but the own one; empty: of that."""
        return SelectedPast(self.get((task,)), own) if is_pattern(task) else self._of(task or own)

    def notice(self, task: str) -> None:
        """Notice that something has happened to that task."""
        for selection in self._of_task.get(task, _NO_SELECTIONS):
            selection.forget()

    def notice_all(self) -> None:
        """Notice that everything counts otherwise: the clock was set."""
        for selection in self._known.values():
            selection.forget()

    def _resolve_again(self) -> None:
        """Let each be resolved anew when it is asked for; keep who is running of the old ones."""
        if self._known:
            self._former |= self._known
            self._known = {}
            self._of_task.clear()

    def _resolve(self, names: tuple[str, ...]) -> Selection:
        selection = Selection(self._of, dict(members_of(names, self._tags, self._since)))
        before = self._former.pop(names, None)
        if before is not None:
            gone = (name for name in (*before.members, *before.leaving) if name not in selection.members)
            selection.leaving = tuple(name for name in gone if self._of(name).running)
        for name in (*selection.members, *selection.leaving):
            self._of_task[name].append(selection)
        return selection

    def _since(self, name: str, ways: Iterable[str]) -> LoggedInstant:
        since = self._of(name).member_since
        return min((since.get(way, BEFORE_ALL) for way in ways), default=BEFORE_ALL)


class PatternLookup:
    """Which of the tasks match patterns, each looked for once."""

    def __init__(self, tags: Mapping[str, tuple[str, ...]]) -> None:
        """`tags` are those of each task."""
        self._tags = tags
        self._matches: dict[str, frozenset[str]] = {}

    def unmatched(self, selections: Iterable[tuple[str, ...]], task: str) -> list[str]:
        """Return the patterns among these names that match no task, or only this one."""
        patterns = {name for names in selections for name in names if is_pattern(name) and not name.startswith("!")}
        return sorted(one for one in patterns if not self._of(one) - {task})

    def _of(self, pattern: str) -> frozenset[str]:
        if pattern not in self._matches:
            self._matches[pattern] = frozenset(name for name, _ in members_of((pattern,), self._tags))
        return self._matches[pattern]


def members_of(
    names: Collection[str],
    tags: Mapping[str, tuple[str, ...]],
    since: Callable[[str, Iterable[str]], LoggedInstant] = lambda _name, _ways: BEFORE_ALL,
) -> Iterable[tuple[str, LoggedInstant]]:
    """Yield the tasks that these names stand for among those with their tags, and since when each counts."""
    patterns = [TaskPattern.of(name) for name in names if is_pattern(name)]
    out = [pattern for pattern in patterns if pattern.leaves_out]
    into = [pattern for pattern in patterns if not pattern.leaves_out]
    named = {name for name in names if not is_pattern(name)}
    for name in named:
        yield name, BEFORE_ALL
    for name, own in tags.items():
        ways = [way for pattern in into for way in pattern.matching(name, own)]
        if ways and name not in named and not any(pattern.matching(name, own) for pattern in out):
            yield name, since(name, ways)
