"""A start that the task's own limits do not allow: tried a bounded number of times, and then a failed run."""

from collections.abc import Callable, Sequence

import pytest

from rocketd.core.clock import Clock
from rocketd.core.instant import HOUR, SECOND, Instant
from rocketd.core.language.parser import parse
from rocketd.core.model.events import Event, Finished, Spawned, Start, Started, Withdrawn
from rocketd.core.model.records import Change
from rocketd.core.model.run import Action, Run, Trigger
from rocketd.core.model.task import Command, Task
from rocketd.core.scheduler.scheduler import Scheduler
from rocketd.core.scheduler.task_state import MOST_ATTEMPTS
from rocketd.daemon.clock import SystemClock
from rocketd.daemon.error_policy import ErrorPolicy, SilencedErrors
from rocketd.daemon.pending_starts import PendingStarts
from rocketd.daemon.ports import Journal
from support.fakes.executor import Script, ScriptedExecutor
from support.fakes.journal import ListJournal

NOON: Instant = 1_795_521_600 * SECOND
WHY = "user nobody has more processes than nproc = 1 in the limits of this task allows"


class SetClock(SystemClock):
    """Shows what it is set to."""

    at = NOON

    def now(self) -> Instant:
        return self.at


class World:
    """A scheduler whose task is never given a process, and what becomes of its starts."""

    def __init__(self, when: str, *, own_limit: bool) -> None:
        self.scheduler = Scheduler(host="", new_run_id=str)
        self.scheduler.load([Task("poor", Command(("/bin/true",)), parse(when))], NOON, {})
        self.clock: Clock = SetClock()
        self.heard = ListJournal()
        self.journal: Journal = self.heard
        self.error_policy = ErrorPolicy(self.journal, SilencedErrors(), self._fail)
        self.events: list[Event] = []
        self.executor = ScriptedExecutor(self._withdrawn, lambda *_: None, self._script, lambda _: None, self.now)
        self._own_limit = own_limit
        self._starts = PendingStarts(self)

    def now(self) -> Instant:
        return self.clock.now()

    def run_until(self, end: Instant, attempts: int = 1_000) -> None:
        """Go from check to check, until then or until it was tried so often."""
        while self.now() < end and len(self.events) < attempts:
            starts = [one.run for one in self.scheduler.decide(self.now()) if isinstance(one, Start)]
            for run in starts:
                self._starts.add(self.scheduler.find(run.task).task, run)
            self._starts.start_recorded([Started(run) for run in starts])
            SetClock.at = min(max(self.scheduler.next_check(), self.now() + 1), end)

    def handle_event(self, event: Spawned | Finished | Withdrawn) -> None:
        if isinstance(event, Withdrawn):
            self._starts.handle_withdrawn(event)
        else:
            self.scheduler.learn(event)
            self.publish(event)

    def publish(self, event: Event) -> None:
        self.events.append(event)

    def record(self, changes: Sequence[Change], on_done: Callable[[], None] = lambda: None) -> None:
        pass

    def wake(self) -> None:
        pass

    def _script(self, task: Task, run: Run) -> Script:  # noqa: ARG002 - the same for all
        return Script(lacking=WHY)

    def _withdrawn(self, event: Spawned | Finished | Withdrawn) -> None:
        assert isinstance(event, Withdrawn)
        self.handle_event(Withdrawn(event.run, event.at, event.reason, own_limit=self._own_limit))

    def _fail(self, error: BaseException) -> None:
        raise error


@pytest.fixture(autouse=True)
def _noon() -> None:
    SetClock.at = NOON


@pytest.mark.parametrize("by_hand", [False, True])
def test_a_start_that_its_own_limit_never_allows_has_failed_after_some_minutes(*, by_hand: bool) -> None:
    world = World("false" if by_hand else "daily", own_limit=True)
    if by_hand:
        world.scheduler.force("poor", Trigger.HAND, "uid 0")
    world.run_until(NOON + HOUR)
    *withdrawn, end = world.events
    assert [type(one) for one in withdrawn] == [Withdrawn] * (MOST_ATTEMPTS - 1)
    assert isinstance(end, Finished)
    assert end.end.action is Action.FAIL
    assert end.end.message == f"cannot start: {WHY}; given up after 16 attempts"
    assert 5 * 60 * SECOND < end.end.at - NOON < 10 * 60 * SECOND
    assert world.heard.messages == [f"poor cannot start; rocketd keeps trying for some minutes: {WHY}"]
    assert world.scheduler.tasks["poor"].failed_starts == 0


def test_what_the_user_lacks_for_another_reason_waits_on_and_is_told_again_and_again() -> None:
    """A file server that does not answer, or a limit that is not the task's own."""
    world = World("daily", own_limit=False)
    world.run_until(NOON + 5 * HOUR)
    assert all(isinstance(one, Withdrawn) for one in world.events)
    assert world.heard.messages == [
        f"poor cannot start; rocketd keeps trying until it can{tried}: {WHY}"
        for tried in ("", *(f" ({count} attempts so far)" for count in (16, 32, 64, 128, 256, 512)))
    ]
