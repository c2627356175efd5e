"""Judges words about time of a task with a splay (splay.py)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from rocketd.core.conditions.window_consumption import consumption_by_due, find_consumption
from rocketd.core.instant import BEGINNING, FOREVER, Duration, Instant
from rocketd.core.model.splay import (
    SplayedStart,
    StartWindow,
    delay,
    last_moment_open,
    newest_begun,
    splayed,
    tick_used_until,
    was_missed_since,
)
from rocketd.core.model.tick_guards import answer_at
from rocketd.core.model.tick_line import TickLine
from rocketd.core.model.verdict import AGAINST, FOR, UNKNOWN, Verdict

if TYPE_CHECKING:
    from rocketd.core.calendar.period import Period
    from rocketd.core.calendar.steps import Steps
    from rocketd.core.calendar.ticks import Ticks
    from rocketd.core.calendar.window import OpenedWindow
    from rocketd.core.conditions.window_consumption import Consumption
    from rocketd.core.model.moment import Moment


class WindowWord(Protocol):
    """A word that holds once per window."""

    @property
    def period(self) -> Period: ...
    @property
    def fixed(self) -> bool: ...
    def holds(self, moment: Moment) -> bool: ...


class IntervalWord(Protocol):
    """A word that holds once per interval."""

    @property
    def interval(self) -> Duration: ...
    def holds(self, moment: Moment) -> bool: ...


class TickWord(Protocol):
    """A word that holds once per tick."""

    @property
    def ticks(self) -> Ticks: ...
    def tick_line(self, moment: Moment) -> TickLine: ...
    def next(self, after: Instant, moment: Moment) -> Instant: ...


_STEPS: Final = 32
"""How many windows to go back to find one within the guards of the word."""


def window_consumption(word: WindowWord, window: OpenedWindow, moment: Moment) -> Consumption | None:
    """Return what uses up that window; None: nothing does yet."""
    start, end, following = window
    if not splayed(moment):
        return find_consumption(moment, start, following, fixed=word.fixed)
    opens, closes = StartWindow(start, end).within_hours(moment)
    begin = opens + delay(moment, closes - opens, opens)
    return consumption_by_due(moment, start, following, fixed=word.fixed) or find_consumption(
        moment, begin, following, fixed=word.fixed
    )


def judge_window(word: WindowWord, window: OpenedWindow, moment: Moment) -> Verdict:
    """Judge the window around now, which is not used up, by when it begins."""
    before = _window_before(word, window, moment)
    begin = _begin_of_window(word, window, moment)
    if moment.now >= begin.start:
        return Verdict(FOR, window.end, window.start)
    if moment.now >= begin.at or before is None or moment.task_history.armed >= window.start:
        return Verdict(AGAINST, begin.start, window.start)
    return _judge_before(word, before, moment, begin.at)


def _window_before(word: WindowWord, window: OpenedWindow, moment: Moment) -> OpenedWindow | None:
    """Return the window before that one, if this one follows on it; None: there is a gap between them."""
    earlier = moment.at(window.start - 1)
    before = word.period.opened_window(earlier.now, moment.task.zone)
    follows = before.end == window.start and all(hours.judge(earlier).answer is FOR for hours in moment.guards)
    return before if follows else None


def _judge_before(word: WindowWord, before: OpenedWindow, moment: Moment, until: Instant) -> Verdict:
    """Judge by the window before the present one: it stays good until that one begins."""
    earlier = moment.at(before.end - 1)
    if (spent := window_consumption(word, before, earlier)) is not None:
        return Verdict(AGAINST, until, min(spent.at, before.end))
    begin = _begin_of_window(word, before, earlier)
    if moment.now >= begin.start:
        return Verdict(FOR, until, before.start)
    return Verdict(AGAINST, min(until, begin.start), before.start)


def _begin_of_window(word: WindowWord, window: OpenedWindow, moment: Moment) -> SplayedStart:
    hours = StartWindow(window.start, window.end).within_hours(moment)
    start_window = StartWindow(max(hours.opens, moment.task_history.armed), hours.closes)
    return start_window.start(moment, word.holds, lambda: _missed_before(word, window, moment.at(hours.opens - 1)))


def _missed_before(word: WindowWord, window: OpenedWindow, before: Moment) -> bool:
    """Whether there is a gap before that window, and the last one before the gap was missed."""
    if _window_before(word, window, before) is not None:
        return False
    for _ in range(_STEPS):
        opened = last_moment_open(before)
        if opened is None:
            return False
        last = word.period.opened_window(opened.now, opened.task.zone)
        if opened.now < last.end:
            start = max(StartWindow(last.start, last.end).within_hours(opened).opens, opened.task_history.armed)
            return start <= opened.now and was_missed_since(opened, start)
        before = opened.at(last.end - 1)
    return False


def judge_interval(word: IntervalWord, due: Instant, before: Instant, newest: Verdict, moment: Moment) -> Verdict:
    """Judge by when the intervals begin: the newest one that is over, or the one `before`, if it is `due` as well."""
    begin = _begin_of_interval(word, newest.since, moment)
    if moment.now >= begin.start:
        return newest
    if moment.now >= begin.at or newest.since == due:
        return Verdict(AGAINST, begin.start, newest.since)
    begin_before = _begin_of_interval(word, before, moment)
    if moment.now >= begin_before.start:
        return Verdict(FOR, begin.at, before)
    return Verdict(AGAINST, min(begin_before.start, begin.at), newest.since)


def intervals_begun(steps: Steps, reached: Instant, moment: Moment) -> int:
    """Return how many intervals had begun, with the splay, when the last run started, or are used up by a due."""
    opens, closes = StartWindow(BEGINNING, FOREVER).within_hours(moment)
    begun = steps.count(reached)
    if begun and steps.at(begun) + delay(moment, min(steps.length, closes - opens), steps.at(begun)) > reached:
        begun -= 1
    history = moment.task_history
    used = (history.steps.real_instant(use.last, use.position) for use in history.consumed_dues)
    return max(begun, *(steps.count(at) for at in used if steps.first <= at <= moment.now), 0)


def _begin_of_interval(word: IntervalWord, due: Instant, moment: Moment) -> SplayedStart:
    armed = max(due, moment.task_history.armed)
    opens, closes = StartWindow(armed, FOREVER).within_hours(moment)
    start_window = StartWindow(opens, min(closes, opens + word.interval))
    return start_window.start(
        moment, word.holds, lambda: start_window.missed_in_hours(moment, _first_over(word, moment))
    )


def _first_over(word: IntervalWord, moment: Moment) -> Instant:
    """Return when the interval was over first after the last run, whatever was missed since."""
    history, run = moment.task_history, moment.task_history.last_scheduled
    over = BEGINNING if run is None else history.steps.real_instant(run.due, history.scheduled_position) + word.interval
    return max(over, history.armed)


def judge_tick(word: TickWord, moment: Moment) -> Verdict:
    """Judge by the newest tick that has begun: of all the lines, if several act as one."""
    now, history = moment.now, moment.task_history
    line = moment.tick_line or newest_begun(word.tick_line, moment) or TickLine(BEGINNING, FOREVER)
    newest, later, closes, *_ = line
    if newest == BEGINNING:  # none counts, or its splay is not over
        return _judge_without_tick(word, moment, later)
    if word.ticks.around(newest, moment.task.zone).newest != newest:  # it is that of another line
        return Verdict(AGAINST, later, newest)
    if (until := tick_used_until(line, moment)) > now:
        used = max(history.consumed_up_to, history.armed)
        until = min(until, later if later > used else word.next(used, moment))
        return Verdict(AGAINST, until, used if used <= now else BEGINNING)
    if now >= closes:
        return Verdict(AGAINST, later, closes)
    return Verdict(FOR, min(later, closes), newest)


def _judge_without_tick(word: TickWord, moment: Moment, later: Instant) -> Verdict:
    """Judge where no tick has begun; unknown if it is unknown whether the newest one counts."""
    newest, history = word.ticks.around(moment.now, moment.task.zone).newest, moment.task_history
    if newest > max(history.consumed_up_to, history.armed) and answer_at(newest, moment) is UNKNOWN:
        return Verdict(UNKNOWN, later)
    return Verdict(AGAINST, later)
