"""The words about the host and the scheduler: how they are written, and what they say about a moment."""

import pytest

from rocketd.core.conditions.host_conditions import LoadBelow, PathExists
from rocketd.core.conditions.probe import observed
from rocketd.core.errors import ConditionError
from rocketd.core.explain.why import explain
from rocketd.core.instant import BEGINNING, FOREVER, HOUR, MINUTE, SECOND
from rocketd.core.language.parser import parse
from rocketd.core.model.condition import TRUE
from rocketd.core.model.events import Start
from rocketd.core.model.task import Command, Task
from rocketd.core.model.verdict import AGAINST, FOR, UNKNOWN
from rocketd.core.scheduler.scheduler import Scheduler
from support.evaluation import Asked, at

NOON = at("2026-03-04 12:00")


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("path_exists('/run/ready')", 'path_exists("/run/ready")'),
        ("path '/run/ready' exists", 'path_exists("/run/ready")'),
        ("unit_active('db')", 'unit_active("db.service")'),
        ("unit_active('a.b')", 'unit_active("a.b.service")'),
        ("unit_active('srv-data.mount')", 'unit_active("srv-data.mount")'),
        ("unit 'getty@tty1' is active", 'unit_active("getty@tty1.service")'),
        ("load_below(2)", "load_below(2.0)"),
        ("load below 0.75", "load_below(0.75)"),
        ("command_succeeds('true', every='30s', timeout='10s')", 'command_succeeds("true")'),
        ("command 'true' succeeds", 'command_succeeds("true")'),
        ("command 'true' succeeds every 5 min & daily", 'command_succeeds("true", every="5min") & daily'),
        (r"""command_succeeds('a \"b\"', timeout='2s')""", r'command_succeeds("a \"b\"", timeout="2s")'),
        ("env('STAGE')", 'env("STAGE")'),
        ("env 'STAGE' is 'live'", 'env("STAGE", "live")'),
        ("~env 'STAGE' | daily", '~env("STAGE") | daily'),
        ("scheduler_running", "scheduler_running"),
        ("scheduler_running()", "scheduler_running"),
        (
            "scheduler_running(less_than='1 h', more_than='90s')",
            'scheduler_running(more_than="1min 30s", less_than="1h")',
        ),
        ("scheduler_cycles(more_than=3, less_than=5)", "scheduler_cycles(more_than=3, less_than=5)"),
        ("scheduler_cycles(more_than=0)", "scheduler_cycles(more_than=0)"),
    ],
)
def test_they_print_their_normal_form_which_reads_back_as_equal(text: str, normal: str) -> None:
    assert str(parse(text)) == normal
    assert parse(normal) == parse(text)


@pytest.mark.parametrize(
    ("text", "message", "place", "hint"),
    [
        ("path_exists('run/ready')", "run/ready is not a path from /", "'run/ready'", "/run/ready"),
        ("path_exists('')", "an empty text is not a path from /", "''", "/run/ready"),
        ("path_exists(3)", "path_exists takes a path from / in quotes here", "3", "path_exists("),
        ("path '/run/ready' exist", "exist is not exists", "exist", "path '/run/backup/ready' exists"),
        ("unit_active('a b')", "a b is not the name of a unit", "'a b'", "postgresql.service"),
        ("unit_active('getty@')", "getty@ is a template", "'getty@'", "getty@tty1"),
        ("unit 'db' is runing", "runing is not active", "runing", "is active"),
        ("load_below(0)", "a load is more than 0 and at most a million", "0", "2.0"),
        ("load_below('2')", "load_below takes a number here", "'2'", "load_below(2.0)"),
        ("load above 2.0", "above is not below", "above", "load below 2.0"),
        ("command_succeeds(' ')", "a command is a text for /bin/sh", "' '", "pg_isready"),
        ("command_succeeds('a', every='10 ms')", "allowed: from one second to one day", "10 ms", ""),
        ("command_succeeds('a', evry='1s')", "command_succeeds has no argument evry; did you mean every?", "evry", ""),
        ("command 'a' succeeds every 10 mn", "mn is not a unit of time", "mn", "5 min"),
        ("env('A=B')", "A=B is not the name of a variable", "'A=B'", ""),
        ("path_exist('/x')", "path_exist is not a condition; did you mean path_exists?", "path_exist", ""),
        (
            "scheduler_running(more_than='2 h', less_than='1 h')",
            "it can never be less than 1 h",
            "1 h",
            "",
        ),
        ("scheduler_cycles(more_than=3, less_than=4)", "no number of passes is below 4", "4", ""),
        ("scheduler_cycles(more_than=-2)", "a number of passes is 0 or more", "-2", ""),
    ],
)
def test_a_mistake_is_named_placed_and_mended(text: str, message: str, place: str, hint: str) -> None:
    with pytest.raises(ConditionError) as caught:
        parse(text)
    assert caught.value.message == message
    assert text[caught.value.start : caught.value.end] == place
    assert hint in caught.value.hint


def test_a_nul_is_refused() -> None:
    with pytest.raises(ConditionError, match="NUL"):
        PathExists.of("/a\0")


# -- what they rest on


def told(asked: Asked, text: str, now: int) -> str:
    return explain(parse(text), asked.moment(now)).because


def test_a_probe_tells_what_was_observed_and_since_when() -> None:
    asked, probe = Asked(), LoadBelow.of(2.0)
    assert told(asked, "load_below(2.0)", NOON) == "not observed yet"
    asked.history.observe(observed(probe, value=True, at=NOON))
    assert told(asked, "load_below(2.0)", NOON) == "true since 12:00"
    assert told(asked, "load_below(2.0)", NOON + MINUTE) == "not observed since 12:00:45"
    asked.history.observe(observed(probe, value=False, at=NOON + MINUTE))
    assert told(asked, "load_below(2.0)", NOON + MINUTE) == "false since 12:01"
    asked.history.observe(observed(probe, value=None, at=NOON + 2 * MINUTE, problem="no /proc"))
    assert told(asked, "load_below(2.0)", NOON + 2 * MINUTE) == "cannot be observed: no /proc"


# -- the scheduler itself


def scheduler(when: str, stop_when: str = "false") -> Scheduler:
    made = Scheduler(host="here", new_run_id=str)
    made.load([Task("me", Command(("/bin/true",)), parse(when), parse(stop_when))], NOON, {})
    return made


def test_without_a_scheduler_its_age_is_unknown() -> None:
    asked = Asked()
    for text in ("scheduler_running", "~scheduler_cycles"):
        assert asked.judge(text, NOON).answer is UNKNOWN
        assert told(asked, text.removeprefix("~"), NOON) == "the scheduler is not running"


def test_the_age_of_the_scheduler_is_reached_and_left_to_the_instant() -> None:
    asked = Asked()
    asked.history.first_pass_at = NOON
    text = "scheduler_running(more_than='10 min', less_than='1 h')"
    assert asked.judge(text, NOON) == (AGAINST, NOON + 10 * MINUTE, BEGINNING)
    assert asked.judge(text, NOON + 10 * MINUTE) == (FOR, NOON + HOUR, NOON + 10 * MINUTE)
    assert asked.judge(text, NOON + HOUR) == (AGAINST, FOREVER, NOON + HOUR)
    assert told(asked, text, NOON) == "the scheduler started at 12:00"


def test_a_task_starts_when_the_scheduler_is_old_enough() -> None:
    made = scheduler("daily & scheduler_running(more_than='10 min')")
    assert made.decide(NOON) == []
    assert made.next_check() == NOON + 10 * MINUTE
    assert [type(decision) for decision in made.decide(NOON + 10 * MINUTE)] == [Start]


def test_the_age_of_the_scheduler_moves_with_the_clock() -> None:
    made = scheduler("scheduler_running(more_than='10 min')")
    made.decide(NOON)
    made.clock_stepped(NOON + HOUR, HOUR)
    assert made.decide(NOON + HOUR) == []
    assert made.next_check() == NOON + HOUR + 10 * MINUTE


def test_passes_are_counted_and_none_is_caused() -> None:
    made = scheduler("scheduler_cycles(more_than=2)")
    for second in range(2):
        assert made.decide(NOON + second * SECOND) == []
        assert made.next_check() == FOREVER
    assert [type(decision) for decision in made.decide(NOON + 2 * SECOND)] == [Start]


def test_a_number_of_passes_is_more_than_one_number_and_less_than_another() -> None:
    asked, found = Asked(), []
    for second in range(6):
        asked.history.begin_pass(NOON + second * SECOND)
        found.append(asked.holds("scheduler_cycles(more_than=2, less_than=5)", NOON))
    assert found == [False, False, True, True, False, False]


def test_a_run_may_be_stopped_by_the_number_of_passes() -> None:
    made = scheduler("scheduler_cycles(less_than=2)", stop_when="scheduler_cycles(more_than=2)")
    assert [type(decision).__name__ for decision in made.decide(NOON)] == ["Start"]
    assert made.decide(NOON) == []
    assert [type(decision).__name__ for decision in made.decide(NOON)] == ["Stop"]


def test_a_task_that_no_longer_asks_for_passes_is_not_asked_in_each() -> None:
    made = scheduler("scheduler_cycles(more_than=2)")
    made.decide(NOON)
    made.load([Task("me", Command(("/bin/true",)), ~TRUE)], NOON, {})
    made.decide(NOON)
    assert made.decide(NOON) == []
    made.load([], NOON, {})
    assert made.decide(NOON) == []
