"""Several tasks at once: by a glob of their names, or by a tag."""

from dataclasses import replace
from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rocketd.core.errors import ConditionError
from rocketd.core.explain.why import explain
from rocketd.core.history.selections import members_of
from rocketd.core.instant import FOREVER, HOUR, MINUTE
from rocketd.core.language.parser import parse
from rocketd.core.model import membership
from rocketd.core.model.logged_events import BEFORE_ALL, LoggedInstant
from rocketd.core.model.run import Action
from rocketd.core.model.task import Task
from rocketd.core.model.task_patterns import is_pattern
from rocketd.core.model.verdict import AGAINST, FOR, Verdict
from rocketd.core.scheduler.pattern_cycles import left_out
from support.evaluation import INSTANT, Asked, at, pasts
from support.scheduler_world import task, world
from support.simulated_world import Behaviour, World


def tagged(name: str, *tags: str, when: str = "false") -> Task:
    return replace(task(name, when), tags=tags)


def among(*names: str) -> Asked:
    asked = Asked().armed("2026-03-01")
    for name in names:
        asked.history.load(name)
    return asked


# -- which tasks


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("db-*",), {"db-1", "db-2"}),
        (("db-?", "web"), {"db-1", "db-2", "web"}),
        (("db-[13]",), {"db-1"}),
        (("tag:night*",), {"db-2", "web"}),
        (("*", "!tag:nightly"), {"db-1", "web", "me"}),
        (("tag:none",), set()),
        (("db-*", "gone"), {"db-1", "db-2", "gone"}),
        (("DB-*",), set()),
    ],
)
def test_names_stand_for_tasks(names: tuple[str, ...], expected: set[str]) -> None:
    tags = {"db-1": ("db",), "db-2": ("db", "nightly"), "web": ("night-2",), "me": ()}
    assert {name for name, _ in members_of(names, tags)} == expected


PIECE = st.sampled_from(["a", "b", "-", ".", "*", "*", "?", "[ab]", "[!a]", "[a-c]", "[-b]"])


@given(
    st.lists(st.lists(PIECE, min_size=1, max_size=5).map("".join), max_size=3),
    st.sets(st.text("abc-.", min_size=1, max_size=4)),
)
def test_globs_are_those_of_fnmatch(patterns: list[str], names: set[str]) -> None:
    globs = [pattern for pattern in patterns if is_pattern(pattern)]
    expected = {name for name in names if any(fnmatchcase(name, glob) for glob in globs)}
    assert {name for name, _ in members_of(globs, dict.fromkeys(names, ()))} == expected


def test_many_stars_take_no_longer() -> None:
    assert not list(members_of(("*a" * 60 + "b",), {"a" * 128: ()}))


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ('after_success("db-*")', "may name several", "after_any_success or after_all_success"),
        ('after_fail("tag:db")', "may name several", "after_any_fail or after_all_fail"),
        ('after_any_fail("!tell*")', "leaves tasks out, and names none", "write '*', '!tell*'"),
        ('failed("!tell*").today', "leaves tasks out, and names none", "write '*', '!tell*'"),
        ('running("tag:")', "is missing", ""),
        ('running("[z-a]*")', "set of characters", "db-[a-c]"),
        ('after_any_fail("*", "!")', "is missing", ""),
        (f'running("{"a" * 256}*")', "no longer than 256", ""),
    ],
)
def test_what_makes_no_sense_is_refused(text: str, message: str, hint: str) -> None:
    with pytest.raises(ConditionError, match=message) as refused:
        parse(text)
    assert hint in refused.value.hint
    assert refused.value.end > refused.value.start


@pytest.mark.parametrize(
    "text",
    [
        'after_any_success("db-*", "!db-3")',
        'after_all_fail("tag:db", delay="10min")',
        'failed("db-?").today',
        '(running("*") < 3)',
        'missed("tag:*").past("2h")',
        'started("db-*").this_boot',
        'running("*").more_than("10min")',
    ],
)
def test_the_written_form_is_the_normal_form(text: str) -> None:
    assert str(parse(text)) == text
    assert parse(str(parse(text))) == parse(text)


def test_in_a_phrase() -> None:
    assert str(parse("after any tasks 'db-*', 'tag:x' failed")) == 'after_any_fail("db-*", "tag:x")'
    assert str(parse("task 'db-*' has failed today")) == 'failed("db-*").today'


# -- what they answer


def test_any_of_them_starts_it() -> None:
    asked = among("db-1", "db-2", "other")
    word = 'after_any_fail("db-*")'
    assert asked.judge(word, "2026-03-04 01:00") == Verdict(AGAINST)
    asked.run("2026-03-04 02:00", "2026-03-04 02:10", Action.FAIL, task="other")
    assert not asked.holds(word, "2026-03-04 02:10")
    asked.run("2026-03-04 02:00", "2026-03-04 02:20", Action.FAIL, task="db-2")
    asked.run("2026-03-04 02:00", "2026-03-04 02:30", Action.FAIL, task="db-1")
    assert asked.judge(word, "2026-03-04 02:30") == Verdict(FOR, FOREVER, at("2026-03-04 02:20"))
    asked.start("2026-03-04 02:31")
    assert not asked.holds(word, "2026-03-04 02:32")


def test_all_that_match_now_start_it() -> None:
    asked = among("db-1", "db-2")
    word = 'after_all_success("db-*")'
    asked.run("2026-03-04 02:00", "2026-03-04 02:10", task="db-1")
    assert not asked.holds(word, "2026-03-04 02:10")
    asked.run("2026-03-04 02:00", "2026-03-04 02:20", task="db-2")
    assert asked.judge(word, "2026-03-04 02:20") == Verdict(FOR, FOREVER, at("2026-03-04 02:20"))
    asked.history.load("db-3")
    assert not asked.holds(word, "2026-03-04 02:21")
    asked.history.unload("db-3")
    assert asked.holds(word, "2026-03-04 02:22")


def test_no_task_is_against_also_for_all() -> None:
    asked = among("other")
    for word in ('after_any_success("db-*")', 'after_all_success("db-*")', 'failed("db-*")', 'running("db-*")'):
        assert asked.holds(word, "2026-03-04 02:00") is False
    assert asked.holds('~running("db-*")', "2026-03-04 02:00")


def test_this_task_is_never_among_them() -> None:
    asked = among("me", "other")
    asked.start("2026-03-04 02:00")
    assert not asked.holds('running("*")', "2026-03-04 02:01")
    assert asked.holds('(running("*") < 1)', "2026-03-04 02:01")
    asked.start("2026-03-04 02:01", "other")
    assert asked.holds('(running("*") == 1)', "2026-03-04 02:02")


def test_counts_are_sums_and_ages_those_of_some_run() -> None:
    word = '(failed("db-*").today == 3)'
    asked = among("db-1", "db-2").keep(parse(word))
    for hour, name in ((1, "db-1"), (2, "db-2"), (3, "db-1")):
        asked.run(f"2026-03-04 0{hour}:00", f"2026-03-04 0{hour}:10", Action.FAIL, task=name)
    assert asked.judge(word, "2026-03-04 04:00") == Verdict(FOR, at("2026-03-05 00:00"), at("2026-03-04 03:10"))
    asked.start("2026-03-04 05:00", "db-1")
    assert asked.holds('running("db-*").more_than("10 min")', "2026-03-04 05:10")
    assert asked.holds('running("db-*").less_than("10 min")', "2026-03-04 05:09")


def test_it_says_how_many_and_names_three() -> None:
    asked = among("me", *(f"db-{number}" for number in range(14)))
    for number in range(5):
        asked.run("2026-03-04 02:00", f"2026-03-04 02:0{number}", Action.FAIL, task=f"db-{number}")
    told = explain(parse('after_any_fail("db-*")'), asked.moment("2026-03-04 03:00")).because
    assert told.startswith("5 of 14 tasks failed since this task was armed")
    assert told.endswith(": db-4/1 (02:04), db-3/1 (02:03), db-2/1 (02:02) and 2 more")
    told = explain(parse('after_any_fail("web-*")'), asked.moment("2026-03-04 03:00")).because
    assert told == "no task matches 'web-*'"
    told = explain(parse('failed("db-*").today'), asked.moment("2026-03-04 03:00")).because
    assert told.startswith("'db-*' has failed 5 times today")


def test_the_newest_run_is_the_cause() -> None:
    asked = among("db-1", "db-2")
    asked.run("2026-03-04 02:00", "2026-03-04 02:10", task="db-1")
    asked.run("2026-03-04 02:00", "2026-03-04 02:20", task="db-2")
    cause = parse('after_any_success("db-*")').causing_run(asked.moment("2026-03-04 03:00"))
    assert cause is not None
    assert cause.key == ("db-2", 1)


# -- tasks that come and go


def reloaded(made: World, *tasks: Task) -> None:
    for one in tasks:
        made.add(one, made.behaviours.get(one.name))
    made.reload()


def test_an_old_failure_of_a_task_that_gets_a_tag_starts_nothing_also_after_a_restart() -> None:
    made = world(tagged("db-1", when="cron('0 10 * * *')"), task("alarm", 'after_any_fail("tag:db")'))
    made.behaviours["db-1"] = Behaviour(fails=1)
    made.boot()
    made.run_until(at("2026-03-02 11:00"))
    reloaded(made, tagged("db-1", "db", when="cron('0 10 * * *')"))
    made.run_until(at("2026-03-02 12:00"))
    made.kill()
    made.boot()
    made.run_until(at("2026-03-03 09:00"))
    assert made.starts("alarm") == []
    made.run_until(at("2026-03-03 11:00"))
    assert len(made.starts("alarm")) == 1
    made.kill()
    made.boot()
    made.run_until(at("2026-03-03 12:00"))
    assert len(made.starts("alarm")) == 1


def test_a_task_that_goes_makes_the_others_all() -> None:
    made = world(
        task("load-a", "cron('0 2 * * *')"), task("load-b", "cron('0 2 * * *')"), task("load-c", "cron('0 2 * * *')"),
        task("sum", 'after_all_success("load-*")'), start="2026-03-02 01:00",
    )  # fmt: skip
    made.behaviours["load-c"] = Behaviour(takes=5 * HOUR)
    made.boot()
    made.run_until(at("2026-03-02 03:00"))
    assert not made.starts("sum")
    del made.tasks["load-c"]
    made.reload()
    made.run_until(at("2026-03-02 03:01"))
    assert made.starts("sum") == [at("2026-03-02 03:00")]


def test_a_task_that_comes_is_waited_for() -> None:
    made = world(
        task("load-a", "cron('0 2 * * *')"), task("load-b", "cron('0 4 * * *')"),
        task("sum", 'after_all_success("load-*")'), start="2026-03-02 01:00",
    )  # fmt: skip
    made.boot()
    made.run_until(at("2026-03-02 03:00"))
    reloaded(made, task("load-c", "cron('0 5 * * *')"))
    made.run_until(at("2026-03-02 06:00"))
    assert len(made.starts("sum")) == 1
    assert made.starts("sum")[0] >= at("2026-03-02 05:00")


def test_new_matches_arm_nothing_anew() -> None:
    made = world(task("a", 'cron("0 * * * *") & ~running("db-*")'), start="2026-03-02 09:30")
    made.boot()
    armed = made.scheduler.state_of("a").armed_at
    made.run_until(at("2026-03-02 09:45"))
    reloaded(made, task("db-1"))
    assert made.scheduler.state_of("a").armed_at == armed


def test_one_that_goes_out_counts_as_running_until_its_run_ends() -> None:
    made = world(tagged("x", "db", when="cron('0 2 * * *')"), task("a", 'cron("30 2 * * *") & ~running("tag:db")'),
                 start="2026-03-02 01:00")  # fmt: skip
    made.behaviours["x"] = Behaviour(takes=HOUR)
    made.boot()
    made.run_until(at("2026-03-02 02:15"))
    reloaded(made, tagged("x", when="cron('0 2 * * *')"))
    made.run_until(at("2026-03-02 05:00"))
    assert made.starts("a") == [at("2026-03-02 03:00")]


def test_tasks_that_would_start_each_other_are_left_out_and_others_count() -> None:
    made = world(
        task("tell", 'after_any_fail("*")'), task("report", 'after_any_fail("*")'), task("x", "cron('0 10 * * *')")
    )  # fmt: skip
    made.behaviours |= {name: Behaviour(fails=1) for name in ("tell", "report", "x")}
    assert left_out(made.tasks.values()) == {"tell": ["report"], "report": ["tell"]}
    made.boot()
    made.run_until(at("2026-03-02 12:00"))
    assert (len(made.starts("tell")), len(made.starts("report"))) == (1, 1)


def test_a_cycle_through_names_and_a_pattern_is_cut_at_the_pattern() -> None:
    tasks = [task("a", 'after_any_success("b*")'), task("b", 'after_success("c")'), task("c", 'after_success("a")')]
    assert left_out(tasks) == {"a": ["b"]}
    assert left_out(tasks[:2]) == {}
    assert left_out([task("a", 'after_any_success("*")'), task("b", "daily")]) == {}


def test_by_priority_one_after_another() -> None:
    made = world(*(task(f"t{number}", 'daily & (running("*") < 2)') for number in range(6)))
    made.behaviours = {name: Behaviour(takes=10 * MINUTE) for name in made.tasks}
    most: list[int] = []
    made.watch = lambda one: most.append(len(one.processes))
    made.boot()
    made.run_until(at("2026-03-02 12:00"))
    assert (len(made.begun), max(most)) == (6, 2)


def test_a_renamed_task_comes_in_anew() -> None:
    made = world(task("db-a", "cron('0 10 * * *')"), task("alarm", 'after_any_fail("db-*")'))
    made.behaviours["db-a"] = made.behaviours["db-b"] = Behaviour(fails=1)
    made.boot()
    made.run_until(at("2026-03-02 10:30"))
    del made.tasks["db-a"]
    made.tasks["db-b"] = task("db-b", "cron('0 10 * * *')")
    made.reload()
    made.run_until(at("2026-03-03 10:30"))
    assert len(made.starts("alarm")) == 2


# -- how it is kept, and what it costs


@given(st.dictionaries(st.text("abc.-_1", min_size=1, max_size=5), st.integers(-(10**17), 10**17)))
def test_since_when_is_kept_as_text(since: dict[str, int]) -> None:
    known = {name: LoggedInstant(instant, 0) for name, instant in since.items() if name[0].isalnum()}
    assert membership.read(membership.spelled(known)) == known


@pytest.mark.parametrize("text", ["x", "=", "a=b", "a=1=2", "ä=1", "a=" + "9" * 40, "-=1"])
def test_what_cannot_be_read_is_as_if_it_was_so_before_all(text: str) -> None:
    assert membership.read(text) == {}
    assert membership.kept("", ("db",)) == {"": BEFORE_ALL, "db": BEFORE_ALL}


def test_a_pattern_is_resolved_once_for_all_who_use_it(monkeypatch: pytest.MonkeyPatch) -> None:
    resolved: list[tuple[str, ...]] = []

    def counted(names: tuple[str, ...], *given: object) -> object:
        resolved.append(names)
        return members_of(names, *given)  # type: ignore[arg-type]

    monkeypatch.setattr("rocketd.core.history.selections.members_of", counted)
    made = world(*(task(f"t{number}", 'after_any_fail("*")') for number in range(300)))
    made.boot()
    made.run_until(at("2026-03-02 09:01"))
    assert len(resolved) <= 2


# -- against the same words with names


@given(
    data=st.data(),
    now=INSTANT,
    outcome=st.sampled_from(["success", "fail", "finish", "missed"]),
    many=st.sampled_from(["any", "all"]),
    later=st.sampled_from(["", ', delay="20 min"', ', within="1 h"', ', delay="2 h", within="30 min"']),
)
def test_ends_of_matched_tasks_count_as_those_of_named_ones(
    data: st.DataObject, now: int, outcome: str, many: str, later: str
) -> None:
    by_name, by_pattern = (parse(f"after_{many}_{outcome}({names}{later})") for names in ('"a", "b"', '"[ab]"'))
    moment = data.draw(pasts((by_name, by_pattern), now)).moment(now)
    assert by_pattern.judge(moment) == by_name.judge(moment)
    assert by_pattern.causing_run(moment) == by_name.causing_run(moment)


@given(
    data=st.data(),
    now=INSTANT,
    what=st.sampled_from(["started", "succeeded", "failed", "finished", "crashed", "missed"]),
    span=st.sampled_from(["today", "this_week", "past('2 h')", "past('3 days')", "this_hour"]),
    least=st.integers(1, 4),
)
def test_counts_of_matched_tasks_are_the_sums_of_named_ones(
    data: st.DataObject, now: int, what: str, span: str, least: int
) -> None:
    together = parse(f"({what}('[ab]').{span} >= {least})")
    kept = tuple(parse(f"({what}('{name}').{span} >= 9)") for name in "ab")
    moment = data.draw(pasts((together, *kept), now)).moment(now)
    numbers = [
        next((n for n in range(50) if not parse(f"({what}('{name}').{span} >= {n + 1})").holds(moment)), 50)
        for name in "ab"
    ]
    assert together.holds(moment) is (sum(numbers) >= least)


@given(data=st.data(), now=INSTANT, age=st.sampled_from(["", ".more_than('10 min')", ".less_than('1 h')"]))
def test_runs_of_matched_tasks_are_those_of_named_ones(data: st.DataObject, now: int, age: str) -> None:
    together, one_by_one = parse(f"running('[ab]'){age}"), parse(f"running('a'){age} | running('b'){age}")
    moment = data.draw(pasts((together,), now)).moment(now)
    assert together.holds(moment) is one_by_one.holds(moment)
