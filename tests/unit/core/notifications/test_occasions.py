"""Which occasions an event is, and which success is a recovery."""

from itertools import product

import pytest

from rocketd.core.history.history import History
from rocketd.core.instant import SECOND
from rocketd.core.model.events import Finished, Missed, Started
from rocketd.core.model.run import Action, Cause, End, Run, Trigger
from rocketd.core.notifications.notification import Notification, variables
from rocketd.core.notifications.occasions import (
    FailureTracker,
    NotifiedEvent,
    Overdue,
    Slow,
    event_key,
    failed_last,
    mail_occasions,
    occasions,
)
from rocketd.time_zones import named_zone

AT = 1_790_000_000 * SECOND
RUN = Run("backup", 7, "0190-7", 2, AT, AT + 1, Trigger.SCHEDULE, "daily")


def ended(action: Action, cause: Cause = Cause.EXIT, output: str = "", number: int = 7) -> Finished:
    run = Run("backup", number, f"0190-{number}", 1, AT, AT + number, Trigger.SCHEDULE, "daily")
    code = {Action.SUCCESS: 0, Action.FAIL: 3}.get(action)
    return Finished(run, End(action, cause, AT + number + SECOND, exit_code=code, output=output, runtime=1_500_000))


@pytest.mark.parametrize(
    ("event", "named"),
    [
        (Started(RUN), {"start"}),
        (ended(Action.SUCCESS), {"success", "end"}),
        (ended(Action.INACTION), {"end"}),
        (ended(Action.FAIL), {"fail", "end"}),
        (ended(Action.CRASH, Cause.DOWN), {"fail", "end"}),
        (ended(Action.CRASH, Cause.SHUTDOWN), {"fail", "end"}),
        (ended(Action.TERMINATE, Cause.TIMEOUT), {"fail", "end"}),
        (ended(Action.TERMINATE, Cause.OPERATOR), {"end"}),
        (Missed("backup", "0190-m", AT, AT, AT, 1, "down"), {"missed"}),
        (Overdue("backup", AT, 0, AT), {"overdue"}),
        (Slow(RUN, AT, 1), {"slow"}),
    ],
)
def test_an_event_is_these_occasions(event: Finished | Started | Missed | Overdue | Slow, named: set[str]) -> None:
    assert occasions(event) == named


def test_mail_tells_actions_apart_and_knows_output() -> None:
    assert mail_occasions(ended(Action.CRASH, Cause.DOWN)) == {"crash"}
    assert mail_occasions(ended(Action.SUCCESS, output="x\n"), recovered=True) == {"success", "recovered", "output"}
    assert mail_occasions(ended(Action.SUCCESS, output=" \n")) == {"success"}
    assert mail_occasions(Started(RUN)) == set()


def test_every_event_of_a_task_has_a_key_of_its_own() -> None:
    ends = [ended(action, cause, number=number) for number, (action, cause) in enumerate(product(Action, Cause), 1)]
    others: list[NotifiedEvent] = [
        Started(RUN),
        Slow(RUN, AT, 1),
        Overdue("backup", AT, 1, 1),
        Overdue("backup", AT, 2, 1),
    ]
    grown = [Missed("backup", "0190-m", AT, AT, AT + last, last, "down") for last in (1, 2)]
    keys = [event_key(event) for event in (*ends, *others, *grown)]
    assert len(set(keys)) == len(keys)


def test_the_first_success_after_failures_is_a_recovery() -> None:
    tracker = FailureTracker()
    told = [Action.SUCCESS, Action.FAIL, Action.FAIL, Action.TERMINATE, Action.SUCCESS, Action.SUCCESS]
    assert [tracker.learn(ended(action, Cause.OPERATOR)) for action in told] == [False] * 4 + [True, False]


def test_having_nothing_to_do_ends_failures_too() -> None:
    assert FailureTracker(frozenset({"backup"})).learn(ended(Action.INACTION))


def test_who_failed_last_is_read_from_the_history() -> None:
    history = History()
    assert not failed_last(history.of("backup"))
    for number, (action, failing) in enumerate([(Action.FAIL, True), (Action.SUCCESS, False), (Action.CRASH, True)], 1):
        event = ended(action, number=number)
        history.learn(Started(event.run))
        history.learn(event)
        assert failed_last(history.of("backup")) is failing


def test_a_hook_gets_what_is_known_and_nothing_empty() -> None:
    event = Finished(RUN, End(Action.FAIL, Cause.EXIT, AT, signal=9, message="x" * 9_000, runtime=1_500_000))
    given = variables(Notification(event, named_zone("UTC"), description="nightly\0"))
    assert given["ROCKETD_RUNTIME"] == "1.5"
    assert (given["ROCKETD_SIGNAL"], given["ROCKETD_ACTION"], given["ROCKETD_RUN_ID"]) == ("SIGKILL", "fail", "0190-7")
    assert (len(given["ROCKETD_MESSAGE"]), given["ROCKETD_DESCRIPTION"]) == (4_096, "nightly")
    assert "ROCKETD_EXIT_CODE" not in given
    assert all(given.values())
