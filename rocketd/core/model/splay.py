"""A splay spreads the starts of equal tasks: over their start windows, and over the hosts that have the same task.

A *start window* is a stretch [opens, closes) of the clock in which a word (a tick, a window, an interval, the end of
another task) may start the task. With a splay, its word holds not from its opening on but from its begin:

    begin = opens + share * min(splay, closes - opens)        share: a hash of host and task, in [0, 1)
                                                          with `each = "run"` also of `opens`

    So each window has a begin, no two have the same, and n hosts begin evenly over the length: nothing is clamped.
    A window is good until the next one begins where that follows on it without a gap, else until it closes. So a begin
    that passed while the daemon was down is made good as long as nothing newer has begun.
    A run uses up the window of its due, and every one that had begun when it started. Its due is the opening, so no
    other share (the splay was edited, the host renamed) makes a used window a new one.

Coming back after an absence (a downtime, a suspend, a step of the clock forward), what began meanwhile would start at
once, on every host that the same power cut had down: it is spread over `resume_spread`, once. What was due already
when the absence began starts at once, so that lives that are shorter than that spread start it all the same.

A window with a gap before it that comes after one that was missed must not wait for an instant at which the host may
never be up: it begins within as long as the daemon has been up when it opens, and within `resume_spread` at least.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from rocketd.core.instant import BEGINNING, FOREVER, Duration, Instant
from rocketd.core.model.consumption import window_used_until
from rocketd.core.model.tick_line import TickLine
from rocketd.core.stable_hash import stable_hash

if TYPE_CHECKING:
    from collections.abc import Callable

    from rocketd.core.model.moment import Moment

_BITS: Final = 64
_STEPS: Final = 32
"""How many changes of the hours beside a word are gone back to find when it was open last: a month of nights."""

TickLookup: TypeAlias = "Callable[[Moment], TickLine | None]"
"""Returns the ticks around a moment, without regard to their splay."""


class StartWindow(NamedTuple):
    """When a word may start its task."""

    opens: Instant
    closes: Instant

    def within_hours(self, moment: Moment) -> StartWindow:
        """Narrow it to the clock-only guards of the word; those that are against decide anyway."""
        opens, closes = self
        for hours in moment.guards:
            verdict = hours.judge(moment)
            if verdict.answer.value:
                opens, closes = max(opens, verdict.since), min(closes, verdict.until)
        return StartWindow(opens, closes)

    def missed_in_hours(self, moment: Moment, due: Instant) -> bool:
        """Whether those parts of the clock have opened it, after it was missed the last time that they were open.

        `due` is from when on its word would have started the task.
        """
        if StartWindow(BEGINNING, FOREVER).within_hours(moment).opens != self.opens:
            return False
        before = last_moment_open(moment.at(self.opens - 1))
        if before is None or before.now < due:
            return False
        return was_missed_since(moment, max(due, StartWindow(BEGINNING, FOREVER).within_hours(before).opens))

    def start(
        self, moment: Moment, was_good: Callable[[Moment], bool], missed_before: Callable[[], bool]
    ) -> SplayedStart:
        """Return when it begins.

        `was_good` says whether its word held at a moment; `missed_before`, whether the window before was missed,
        with a gap between them.

        10:00 to 12:00, splay 1 h, share 1/4            begins at 10:15
        down from 10:10 to 10:40, `resume_spread` 60 s  begins at 10:15, may start at 10:40:15
        the same, the window before still good at 10:10 begins at 10:15, may start at 10:40: that was due already
        """
        opens, closes = self
        length = max(closes - opens, 0)
        absence = moment.history.absence
        if absence is not None and not moment.unattended:
            up = max(moment.history.resume_spread, opens - absence.end)
            length = up if up < length and missed_before() else length
        begin = opens + delay(moment, length, opens)
        if moment.unattended or absence is None or not absence.start <= begin < absence.end:
            return SplayedStart(begin, begin)
        then = moment._replace(now=absence.start, unattended=True)
        if was_good(then) and all(hours.judge(then).answer.value for hours in moment.guards):
            return SplayedStart(begin, absence.end)  # what was due by then has waited long enough
        left = closes - absence.end
        spread = delay(moment, min(moment.history.resume_spread, left if left > 0 else FOREVER), opens)
        return SplayedStart(begin, absence.end + spread)


class SplayedStart(NamedTuple):
    """When a start window begins by the clock, and from when on it may start the task after an absence in between."""

    at: Instant
    start: Instant


def newest_begun(newest: TickLookup, moment: Moment) -> TickLine | None:
    """Return the newest tick that has begun of those that `newest` returns, and when the next one begins.

    While one that began in an absence is waited for, none has.
    """
    line = newest(moment)
    if line is None or line.newest == BEGINNING or not splayed(moment):
        return line
    begin = _begin_of(line, newest, moment)
    if moment.now >= begin.start:
        return line._replace(begins=begin.at)
    if moment.now >= begin.at:
        return line._replace(newest=BEGINNING, next=begin.start)
    return _judge_tick_before(line, newest, moment, begin.at)


def _judge_tick_before(line: TickLine, newest: TickLookup, moment: Moment, until: Instant) -> TickLine:
    """Return the tick before the newest one, which begins at `until`."""
    before = newest(moment.at(line.newest - 1))
    if before is None or before.newest == BEGINNING:
        return line._replace(newest=BEGINNING, next=until)
    begin = _begin_of(before, newest, moment)
    if moment.now < begin.start:
        return line._replace(newest=BEGINNING, next=min(until, begin.start))
    return before._replace(next=until, begins=begin.at)


def _begin_of(line: TickLine, newest: TickLookup, moment: Moment) -> SplayedStart:
    start_window = StartWindow(line.newest, min(line.next, line.closes))
    return start_window.start(
        moment, lambda then: _was_good(newest, then), lambda: _missed_before(line, newest, moment)
    )


def _missed_before(line: TickLine, newest: TickLookup, moment: Moment) -> bool:
    """Whether there is a gap before the newest tick, and the last one before that was missed."""
    before = moment.at(line.newest - 1)
    found = newest(before)
    if found is not None and found.newest > BEGINNING and found.closes >= line.newest:
        return False
    for _ in range(_STEPS):
        opened = last_moment_open(before)
        found = None if opened is None else newest(opened)
        if opened is None or found is None or found.newest > BEGINNING:
            return (
                found is not None
                and found.newest > moment.task_history.armed
                and was_missed_since(moment, found.newest)
            )
        before = opened.at(StartWindow(BEGINNING, FOREVER).within_hours(opened).opens - 1)
    return False


def _was_good(newest: TickLookup, moment: Moment) -> bool:
    line = newest_begun(newest, moment)
    return line is not None and tick_used_until(line, moment) <= moment.now < line.closes


def tick_used_until(line: TickLine, moment: Moment) -> Instant:
    """Return until when the newest tick of a task with a splay is used up, or does not count; BEGINNING: it counts."""
    history = moment.task_history
    if line.newest <= history.armed:
        return FOREVER
    started = window_used_until(history.consumed, line.begins, line.next, history.steps, fixed=line.fixed)
    return max(
        started,
        window_used_until(history.consumed_dues, line.newest, line.next, history.steps, fixed=line.fixed),
    )


def splayed(moment: Moment) -> bool:
    """Whether a splay delays when words hold."""
    return moment.task.splay > 0 and not moment.without_splay


def delay(moment: Moment, length: Duration, opens: Instant) -> Duration:
    """Return how much later than it opens a window of that length begins that opens then."""
    task = moment.task
    if not splayed(moment):
        return 0
    part = share(moment.history.host, task.name, opens if task.splay_each_run else None)
    return part * min(task.splay, length) >> _BITS


def share(host: str, task: str, opens: Instant | None = None) -> int:
    """Return which part of its splay a task has on a host, in 2**64ths: always the same, or for each window another."""
    return stable_hash(host, task) if opens is None else stable_hash(host, task, opens)


def last_moment_open(moment: Moment) -> Moment | None:
    """Return the last moment, up to this one, at which the clock-only guards of a word held; None: none near."""
    for _ in range(_STEPS):
        judged = [hours.judge(moment) for hours in moment.guards]
        shut = min((verdict.since for verdict in judged if not verdict.answer.value), default=FOREVER)
        if shut in {BEGINNING, FOREVER}:
            return moment if shut == FOREVER else None
        moment = moment.at(shut - 1)
    return None


def was_missed_since(moment: Moment, opened: Instant) -> bool:
    """Whether a window that opened then and is over was missed: nothing has run for the task since."""
    history, run, end = moment.task_history, moment.task_history.last_scheduled, moment.task_history.scheduled_end
    if history.has_scheduled_run or opened < history.armed:
        return False
    reached = BEGINNING if run is None else max(run.start, run.due, BEGINNING if end is None else end.at)
    return history.steps.wall_instant(reached, history.scheduled_position) < opened
