"""`missed` and `after_missed`: chances that passed without a run."""

from dataclasses import replace
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from rocketd.config.cross_file_checks import WatchedTasks
from rocketd.config.trigger_cycles import without_cycles
from rocketd.core.explain.why import explain
from rocketd.core.history.history import History
from rocketd.core.instant import DAY, FOREVER, HOUR, MINUTE
from rocketd.core.language.parser import parse
from rocketd.core.model.events import Event, Finished, Missed, Started
from rocketd.core.model.moment import Moment
from rocketd.core.model.run import Action, Cause, End, Trigger
from rocketd.core.model.task import Overlap
from rocketd.core.model.verdict import AGAINST, FOR, UNKNOWN, Verdict
from support.evaluation import Asked, at
from support.fakes.store import MemoryStore
from support.scheduler_world import task, world
from support.simulated_world import Behaviour

WORD = 'after_missed("a")'
TODAY = 'missed("a").today'
TEXTS = (WORD, TODAY, "(missed('a').today >= 2)", "missed('a').past('2 h')")


def test_an_interval_of_misses_starts_it_when_it_is_recorded() -> None:
    asked = Asked().armed("2026-03-01")
    assert asked.judge(WORD, "2026-03-04 03:00") == Verdict(UNKNOWN)
    asked.history.load("a")
    assert asked.judge(WORD, "2026-03-04 03:00") == Verdict(AGAINST)
    asked.miss("2026-03-04 03:10", "a", first="2026-03-04 01:00")
    assert asked.judge(WORD, "2026-03-04 03:10") == Verdict(FOR, FOREVER, at("2026-03-04 03:10"))
    asked.start("2026-03-04 03:10")
    assert not asked.holds(WORD, "2026-03-04 03:11")


def test_one_that_goes_on_is_no_new_event_but_counts_on_the_day_on_which_it_grew() -> None:
    asked = Asked().armed("2026-03-01").keep(parse("(missed('a').today == 2)"))
    asked.miss("2026-03-02 23:50", "a")
    asked.run("2026-03-02 23:51", "2026-03-02 23:52")
    asked.miss("2026-03-03 00:10", "a", again=True)
    assert not asked.holds(WORD, "2026-03-03 00:10")
    assert asked.judge(TODAY, "2026-03-03 00:10") == Verdict(FOR, at("2026-03-04 00:00"), at("2026-03-03 00:10"))
    assert asked.holds("(missed('a').today == 1)", "2026-03-03 00:10")
    asked.miss("2026-03-03 00:20", "a")
    assert asked.holds(WORD, "2026-03-03 00:20")
    assert asked.holds("(missed('a').today == 2)", "2026-03-03 00:20")


def test_what_began_before_the_task_was_armed_is_no_event() -> None:
    asked = Asked().armed("2026-03-01")
    asked.miss("2026-03-02 10:00", "a")
    asked.armed("2026-03-02 10:30")
    asked.miss("2026-03-02 11:00", "a", again=True)
    assert not asked.holds(WORD, "2026-03-02 11:00")
    assert asked.holds("missed('a')", "2026-03-02 11:00")


def test_what_it_missed_itself_counts_since_it_was_armed() -> None:
    asked = Asked().armed("2026-03-01 12:00")
    asked.miss("2026-03-02 10:00", first="2026-03-01 11:00")
    assert not asked.holds("after_missed('me')", "2026-03-02 10:00")
    asked.miss("2026-03-02 11:00", first="2026-03-01 12:00")
    assert asked.holds("after_missed('me')", "2026-03-02 11:00")


def test_a_run_by_hand_uses_nothing() -> None:
    asked = Asked().armed("2026-03-01")
    asked.miss("2026-03-04 03:10", "a")
    asked.run("2026-03-04 03:11", "2026-03-04 03:12", trigger=Trigger.HAND)
    assert asked.holds(WORD, "2026-03-04 03:13")


def test_of_several_tasks_all_or_any() -> None:
    asked = Asked().armed("2026-03-01")
    asked.history.load("b")
    asked.miss("2026-03-04 03:10", "a")
    assert asked.holds("after_any_missed('a', 'b')", "2026-03-04 03:10")
    assert not asked.holds("after_all_missed('a', 'b')", "2026-03-04 03:10")
    asked.miss("2026-03-04 04:00", "b")
    assert asked.judge("after_all_missed('a', 'b')", "2026-03-04 04:00").since == at("2026-03-04 04:00")


def test_it_says_how_many_from_when_to_when_and_why() -> None:
    asked = Asked().armed("2026-03-01")
    asked.miss("2026-03-04 02:10", "a", first="2026-03-04 01:00")
    asked.miss("2026-03-04 03:10", "a", again=True)
    moment = asked.moment("2026-03-04 05:00")
    assert explain(parse(WORD), moment).because == (
        "a missed 2 starts, due from 01:00 to 03:10: no slot was free (recorded at 02:10)"
    )
    assert explain(parse("missed"), moment).because == "me has not missed a start yet"


# -- in the scheduler -----------------------------------------------------------------------------------------------


def test_a_host_that_was_down_on_the_day_makes_it_good() -> None:
    made = world(task("me", "monthly.on(1) | after_missed('me')"), start="2026-11-15 09:00")
    made.boot()
    made.run_until(at("2026-11-30 22:00"))
    made.kill()
    made.now = at("2026-12-02 01:00")
    made.boot()
    made.run_until(at("2027-01-02 12:00"))
    assert made.starts("me") == [at("2026-12-02 01:00"), at("2027-01-01 00:00")]
    assert [(one.first, one.count) for one in made.missed("me")] == [(at("2026-12-01 00:00"), 1)]


def test_a_task_that_gets_no_slot_alarms_once_also_over_a_restart() -> None:
    made = world(
        task("hog", "cron('0 10 1 3 *')"), task("a", "minutely"), task("alarm", WORD), start="2026-03-01 09:59",
        max_running=2,
    )  # fmt: skip
    made.tasks["a"] = replace(made.tasks["a"], mutex="m")
    made.tasks["hog"] = replace(made.tasks["hog"], mutex="m")
    made.behaviours["hog"] = Behaviour(takes=2 * HOUR)
    made.boot()
    made.run_until(at("2026-03-01 11:00"))
    assert len(made.missed("a")) == 1
    assert made.missed("a")[0].count > 50
    assert made.starts("alarm") == [made.missed("a")[0].first_reported]
    made.run_until(at("2026-03-01 11:30"))
    assert len(made.starts("alarm")) == 1
    made.run_until(at("2026-03-01 12:30"))
    assert len(made.starts("alarm")) == 1


def test_a_kill_between_the_chance_and_its_record_tells_it_once() -> None:
    made = world(task("a", "daily.between('10:00', '10:30')"), task("alarm", WORD), start="2026-03-01 09:00")
    made.boot()
    made.kill()
    made.now = at("2026-03-01 11:00")
    made.boot()
    made.run_until(at("2026-03-01 11:01"))
    made.kill()
    made.now = at("2026-03-01 11:05")
    made.boot()
    made.run_until(at("2026-03-01 12:00"))
    assert made.starts("alarm") == [at("2026-03-01 11:00")]


def test_a_pause_of_its_own_is_no_event_for_it_but_for_others() -> None:
    made = world(
        task("a", "cron('0 * * * *') | after_missed('a')"), task("alarm", WORD), start="2026-03-02 09:30"
    )  # fmt: skip
    made.boot()
    made.states["a"] = made.scheduler.pause("a", until=at("2026-03-02 12:30"), by="uid 0", reason="")
    made.run_until(at("2026-03-02 12:45"))
    assert made.starts("a") == []
    assert len(made.starts("alarm")) == 1
    made.kill()
    made.boot()
    made.run_until(at("2026-03-02 13:15"))
    assert made.starts("a") == [at("2026-03-02 13:00")]


def test_two_with_one_mutex_that_watch_each_other_do_not_go_on_for_ever() -> None:
    first = replace(task("a", "cron('0 10 * * *', within='1 min') | after_missed('b')"), mutex="m")
    second = replace(task("b", "cron('0 10 * * *', within='1 min') | after_missed('a')"), mutex="m")
    made = world(first, second, start="2026-03-01 09:00")
    made.behaviours |= {"a": Behaviour(takes=10 * MINUTE), "b": Behaviour(takes=10 * MINUTE)}
    made.boot()
    made.run_until(at("2026-03-02 09:00"))
    assert len(made.begun) <= 4
    assert made.passes < 200


def test_what_is_missed_closes_no_cycle() -> None:
    tasks = {one.name: one for one in (task("a", "after_missed('b')"), task("b", "after_success('a')"))}
    assert without_cycles(tasks, {}, WatchedTasks()) == []
    assert tasks.keys() == {"a", "b"}


def test_only_those_who_ask_are_judged_when_a_chance_is_missed() -> None:
    made = world(task("hog", "cron('0 10 1 3 *')"), task("a", "minutely"), task("other", "after_success('a')"))
    made.now = at("2026-03-01 09:59")
    made.tasks["a"] = replace(made.tasks["a"], mutex="m", overlap=Overlap.WAIT)
    made.tasks["hog"] = replace(made.tasks["hog"], mutex="m")
    made.behaviours["hog"] = Behaviour(takes=2 * HOUR)
    made.boot()
    made.run_until(at("2026-03-01 10:30"))
    judged = made.scheduler.tasks["other"]
    assert not judged.asks_misses
    assert made.missed("a")[0].count > 20


# -- against another reading of the page, and over a restart ---------------------------------------------------------


class Told(NamedTuple):
    """An interval of misses, as the page tells of it."""

    first: int
    """When it was recorded first."""
    last: int
    place: int


@st.composite
def stories(draw: st.DrawFn) -> list[tuple[str, int]]:
    """What happens, minute by minute: new misses, misses that go on, runs of this task, its arming."""
    kinds = st.sampled_from(["new", "new", "on", "on", "run", "hand", "arm"])
    return [(draw(kinds), draw(st.sampled_from([1, 5, 60, 600, 1440]))) for _ in range(draw(st.integers(1, 12)))]


@given(stories(), st.integers(0, 3000))
def test_it_answers_as_the_page_says_before_and_after_a_restart(story: list[tuple[str, int]], after: int) -> None:
    conditions = [parse(text) for text in TEXTS]
    asked, store = Asked(), MemoryStore()
    asked.history.set_needs(need for condition in conditions for need in condition.needs())
    asked.history.load("a")
    now, armed, started = at("2026-03-01"), at("2026-03-01"), -1
    asked.history.of("me").arm(now)
    told: list[Told] = []
    for place, (kind, minutes) in enumerate(story):
        now += minutes * MINUTE
        if kind == "arm":
            armed = now
            asked.history.of("me").arm(now, asked.history.position)
        elif kind in ("run", "hand"):
            run = asked.start(now, trigger=Trigger.HAND if kind == "hand" else Trigger.SCHEDULE)
            end = Finished(run, End(Action.SUCCESS, Cause.EXIT, now))
            asked.history.learn(end)
            store.write([Started(run), end])
            started = place if kind == "run" else started
        else:
            again = kind == "on" and bool(told)
            store.write([asked.miss(now, "a", again=again)])
            told[-1:] = [*told[-1:-1], told[-1]._replace(last=now)] if again else [*told[-1:], Told(now, now, place)]
            assert told
    now += after * MINUTE
    day = now - now % DAY
    newest = told[-1] if told else None
    expected = [
        newest is not None and newest.place > started and newest.first > armed,
        any(one.last >= day for one in told),
        sum(one.last >= day for one in told) >= 2,
        any(one.last > now - 2 * HOUR for one in told),
    ]
    assert [condition.holds(Moment(now, asked.task, asked.history)) for condition in conditions] == expected
    replayed = _restarted(store, armed, now)
    for condition in conditions:
        before, later = (condition.judge(Moment(now, asked.task, past)) for past in (asked.history, replayed))
        assert before[:2] == later[:2], condition
        assert before.answer is not FOR or before.since == later.since, condition


def _restarted(store: MemoryStore, armed: int, now: int) -> History:
    """The past as the next daemon learns it from the store."""
    history = History()
    for name in ("me", "a"):
        history.load(name)
    history.set_needs(need for text in TEXTS for need in parse(text).needs())
    history.of("me").arm(armed, 0)
    events: list[Event] = list(store.recovery_events(history.reach, now))
    history.begin_replay(len(events), now, now)
    for event in events:
        history.learn(event)
    history.end_replay()
    return history


def test_an_interval_that_was_replayed_grows_as_before() -> None:
    store, asked = MemoryStore(), Asked().armed("2026-03-01")
    first = asked.miss("2026-03-02 10:00", "a")
    grown = asked.miss("2026-03-02 11:00", "a", again=True)
    store.write([first])
    store.write([grown])
    (kept,) = store.recovery_events({}, 0)
    assert isinstance(kept, Missed)
    assert (kept.first_reported, kept.at, kept.count) == (first.at, grown.at, 2)
