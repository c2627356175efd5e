"""Seconds, microseconds, and sentences of records."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rocketd.core.instant import BEGINNING, FOREVER, SECOND, instant_of
from rocketd.core.model.events import Finished, Missed, Started, Withdrawn
from rocketd.core.model.run import Action, Cause, End, Run, Trigger, Usage
from rocketd.log import RunRecord
from rocketd.store.redbird.mapping import fill_missing_fields, in_order_of_time
from rocketd.store.sqlite.rows import Origin, Row, end_of, event_of, micros, row_of, run_of, seconds
from rocketd.store.sqlite.schema import COLUMNS

YEAR_2106 = instant_of(datetime(2106, 1, 1, tzinfo=UTC))
HERE = Origin("here", "boot")


@given(st.integers(-YEAR_2106, YEAR_2106))
def test_a_microsecond_survives_as_seconds_until_2106(instant: int) -> None:
    assert micros(seconds(instant)) == instant


@pytest.mark.parametrize("instant", [BEGINNING, FOREVER])
def test_the_ends_of_time_survive(instant: int) -> None:
    assert micros(seconds(instant)) == instant


TEXTS = st.text(st.characters(codec="utf-8"))
RUNS = st.builds(
    Run,
    task=st.text(min_size=1),
    number=st.integers(1),
    run_id=TEXTS,
    attempt=st.integers(1),
    due=st.integers(0, YEAR_2106),
    start=st.integers(0, YEAR_2106),
    trigger=st.sampled_from(Trigger),
    reason=TEXTS,
    cause_task=TEXTS,
    cause_run_id=TEXTS,
)
ENDS = st.builds(
    End,
    action=st.sampled_from(sorted(set(Action) - {Action.RUN, Action.MISSED, Action.WITHDRAWN})),
    cause=st.sampled_from(Cause),
    at=st.integers(0, YEAR_2106),
    exit_code=st.none() | st.integers(0, 255),
    signal=st.none() | st.integers(1, 64),
    message=TEXTS,
    exc_text=TEXTS,
    output=TEXTS,
    runtime=st.integers(0, 10**6 * SECOND),
    usage=st.builds(Usage, *[st.none() | st.integers(0, 2**62)] * 4).map(
        lambda usage: replace(usage, cpu=None if usage.cpu is None else usage.cpu % (10**9 * SECOND))
    ),
)


WITHDRAWN = st.builds(
    Withdrawn, RUNS, st.integers(0, YEAR_2106), TEXTS, st.sampled_from(Cause), shared=st.just(value=False)
)


@given(st.builds(Started, RUNS) | st.builds(Finished, RUNS, ENDS) | WITHDRAWN)
def test_an_event_survives_as_a_record(event: Started | Finished | Withdrawn) -> None:
    assert event_of(row_of(event, HERE)) == event


def test_a_missed_stretch_survives_and_says_first_last_and_count() -> None:
    event = Missed("backup", "id", 20 * SECOND, 0, 10 * SECOND, 3, "paused")
    row = row_of(event, HERE)
    assert event_of(row) == event
    assert row.reason == "paused; 3 times, first 1970-01-01T00:00:00+00:00, last 1970-01-01T00:00:10+00:00"


def test_one_missed_time_says_when_it_was_due() -> None:
    assert row_of(Missed("backup", "id", 5, 0, 0, 1, "paused"), HERE).reason == "paused; due 1970-01-01T00:00:00+00:00"


def test_a_record_with_the_least_fields_is_a_first_attempt_due_when_it_started() -> None:
    run = run_of(Row(5.0, "backup", "run"))
    assert (run.attempt, run.due, run.start, run.trigger) == (1, 5 * SECOND, 5 * SECOND, Trigger.SCHEDULE)


@pytest.mark.parametrize(("action", "cause"), [("success", Cause.EXIT), ("fail", Cause.EXIT), ("crash", Cause.DOWN)])
def test_the_cause_of_an_end_that_does_not_tell_it_is_the_usual_one(action: str, cause: Cause) -> None:
    assert end_of(Row(5.0, "backup", action)).cause is cause


def test_an_attempt_that_is_not_kept_is_the_failures_in_a_row_and_one() -> None:
    ends = ("fail", "terminate", "crash", "success", "fail", "inaction")
    rows = [Row(float(at), "backup", action) for at, end in enumerate(ends) for action in ("run", end)]
    made_up = fill_missing_fields(rows, frozenset({"created", "task_name", "action"}), {})
    assert [row.attempt for row in made_up if row.action == "run"] == [1, 2, 3, 4, 1, 2]


@pytest.mark.parametrize(
    ("records", "numbers"),
    [
        ("run:x run:y success:x fail:y", [1, 2, 1, 2]),
        ("run:x run:y success:x", [1, 2, 1]),
        ("run:x run:y success:y crash:x", [1, 2, 2, 1]),
        ("run: run: success: fail:", [1, 2, 2, 1]),  # nobody can tell: the newest
        ("run:x run: success: fail:x", [1, 2, 2, 1]),
        ("run:x run: success:x fail:z", [1, 2, 1, 2]),
        ("run:x success:other success:x", [1, 0, 1]),  # it started before the first record
    ],
)
def test_an_end_without_a_number_is_of_the_run_with_its_id(records: str, numbers: list[int]) -> None:
    rows = [
        Row(float(at), "backup", action, run_id=run_id or None)
        for at, (action, run_id) in enumerate(one.split(":") for one in records.split())
    ]
    made_up = fill_missing_fields(rows, frozenset({"created", "task_name", "action", "run_id"}), {})
    assert [row.number for row in made_up] == numbers


@pytest.mark.parametrize(
    ("shuffled", "ordered"),
    [
        ("1:fail 0:run", "run fail"),
        ("0:success 0:run", "run success"),
        ("0:run 1:run 1:success 2:fail", "run success run fail"),
        ("0:run 1:success 1:run 1:fail 1:run", "run success run fail run"),
        ("0:run 0:run 0:fail", "run fail run"),
        ("0:missed 1:run 1:missed 2:fail", "missed run missed fail"),
    ],
)
def test_records_of_one_moment_alternate(shuffled: str, ordered: str) -> None:
    rows = [
        Row(float(at), name, action)
        for at, action in (one.split(":") for one in shuffled.split())
        for name in ("backup", "other")
    ]
    found = list(in_order_of_time(rows))
    for name in ("backup", "other"):
        assert " ".join(str(row.action) for row in found if row.task_name == name) == ordered


def test_rows_columns_and_the_model_have_the_same_fields() -> None:
    assert Row._fields == COLUMNS
    assert set(RunRecord.__fields__) == {"id", *COLUMNS}
