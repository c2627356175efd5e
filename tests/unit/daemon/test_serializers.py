"""The JSON objects that other programs rely on: their keys are promises."""

import json
from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rocketd.core.history.history import History
from rocketd.core.instant import BEGINNING, FOREVER, SECOND
from rocketd.core.model.condition import TRUE
from rocketd.core.model.events import Event, Finished, Missed, Spawned, Started
from rocketd.core.model.executor_choice import ExecutorChoice
from rocketd.core.model.records import RunView, TaskState
from rocketd.core.model.run import Action, Cause, End, Run, Trigger, Usage
from rocketd.core.model.task import Command, Disabled, ExecutorKind, Function, Surroundings, Task
from rocketd.core.scheduler.task_state import ScheduledTask
from rocketd.daemon.json_format import from_rfc3339, rfc3339
from rocketd.daemon.serializers import (
    disabled_details,
    disabled_object,
    event_object,
    output_object,
    run_object,
    task_details,
    task_object,
)

AT = from_rfc3339("2026-11-24T12:00:00.000001+01:00")
RUN = Run("backup", 12, "0199", 2, AT, AT + SECOND, Trigger.RETRY, "daily")
END = End(Action.FAIL, Cause.EXIT, AT + 3 * SECOND, exit_code=3, output="no space\n", runtime=2 * SECOND)
TASK = Task("backup", Command(("/bin/true",), surroundings=Surroundings(environment=(("KEY", "secret"),))), when=TRUE)


def test_instants_have_microseconds_and_an_offset() -> None:
    assert rfc3339(AT) == "2026-11-24T11:00:00.000001+00:00"
    assert rfc3339(from_rfc3339("2026-11-24T11:00:00Z")) == "2026-11-24T11:00:00.000000+00:00"


@pytest.mark.parametrize("instant", [None, FOREVER, BEGINNING, 10**18])
def test_what_is_no_instant_is_null(instant: int | None) -> None:
    assert rfc3339(instant) is None


@given(st.integers(-(10**16), 10**17))
def test_instants_read_back(instant: int) -> None:
    assert from_rfc3339(rfc3339(instant) or "") == instant


def test_an_instant_without_an_offset_is_refused() -> None:
    with pytest.raises(ValueError, match="offset"):
        from_rfc3339("2026-11-24T11:00:00")


def test_a_run_object_has_every_promised_key() -> None:
    told = run_object(RunView(RUN, Action.FAIL, END, 77))
    promised = "task run_id number attempt due start end runtime action trigger cause exit_code signal reason output"
    used = "cpu_time memory_peak io_read io_written"
    assert {*promised.split(), *used.split()} <= told.keys()
    assert all(told[key] is None for key in used.split())  # not known is not 0
    assert (told["action"], told["runtime"], told["end"]) == ("fail", 2.0, "2026-11-24T11:00:03.000001+00:00")


def test_what_a_run_has_used_is_in_seconds_and_bytes() -> None:
    told = run_object(RunView(RUN, Action.FAIL, replace(END, usage=Usage(1_500_000, 2048, 0, None)), 77))
    assert [told[key] for key in ("cpu_time", "memory_peak", "io_read", "io_written")] == [1.5, 2048, 0, None]


def test_what_names_a_run_comes_first_for_completions_look_for_it_there() -> None:
    assert list(run_object(RunView(RUN, Action.RUN, None, 0)))[:3] == ["task", "run_id", "number"]


def test_a_run_that_goes_on_has_action_run_and_no_end() -> None:
    told = run_object(RunView(RUN, Action.RUN, None, 77))
    assert (told["action"], told["end"], told["cause"], told["pid"]) == ("run", None, None, 77)


def past_of(*events: Event) -> History:
    history = History()
    for event in events:
        history.learn(event)
    return history


def test_a_task_object_has_the_promised_keys_and_no_others() -> None:
    told = task_object(ScheduledTask(TASK, next_start=AT), past_of().of("backup"))
    promised = "task next next_if now_if last_start last_action last_cause last_run_id running waits paused disabled"
    more = "description last_end last_runtime usual_runtime slow_after elsewhere when on tags file"
    others = "last_success failing max_age overdue_at armed_at run_on standby"
    assert told.keys() == {*promised.split(), *others.split(), *more.split()}
    assert (told["next"], told["last_action"], told["running"], told["when"]) == (rfc3339(AT), None, False, "true")


def test_a_task_tells_what_must_be_observed_for_its_next_start() -> None:
    told = task_object(ScheduledTask(TASK, next_start=AT, next_if="load_below(2.0)"), past_of().of("backup"))
    assert (told["next_if"], told["now_if"]) == ("load_below(2.0)", None)
    told = task_object(ScheduledTask(TASK, now_if="load_below(2.0)"), past_of().of("backup"))
    assert (told["next_if"], told["now_if"]) == (None, "load_below(2.0)")


def test_a_disabled_task_has_the_keys_of_the_others_and_its_line() -> None:
    disabled = Disabled(TASK, 12)
    others = (
        task_object(ScheduledTask(TASK), past_of().of("backup")),
        task_details(ScheduledTask(TASK), past_of().of("backup")),
    )
    for told, other in zip((disabled_object(disabled), disabled_details(disabled)), others, strict=True):
        assert told.keys() == {*other, "line"}
        assert (told["disabled"], told["line"], told["next"], told["running"]) == (True, 12, None, False)


def test_a_task_tells_its_newest_run_also_while_that_goes_on() -> None:
    newer = Run("backup", 13, "019a", 1, AT, AT + 9 * SECOND, Trigger.SCHEDULE, "daily")
    told = task_object(ScheduledTask(TASK), past_of(Started(RUN), Finished(RUN, END), Started(newer)).of("backup"))
    assert (told["last_action"], told["last_run_id"], told["running"]) == ("fail", "0199", False)
    assert told["last_cause"] == "exit"
    assert told["waits"] == "for its record to be written"
    begun = past_of(Started(RUN), Finished(RUN, END), Started(newer), Spawned(newer, 7, 7, AT)).of("backup")
    told = task_object(ScheduledTask(TASK), begun)
    assert (told["last_action"], told["last_run_id"], told["running"]) == ("run", "019a", True)
    assert told["last_cause"] is None
    assert told["waits"] is None
    assert told["last_start"] == rfc3339(newer.start)


def test_details_tell_names_of_the_environment_and_never_values() -> None:
    told = task_details(ScheduledTask(TASK), past_of().of("backup"))
    assert told["environment"] == ["KEY"]
    assert "secret" not in json.dumps(told)


def test_details_tell_who_paused_it_and_what_it_runs() -> None:
    state = TaskState("backup", "", AT, 1, paused=True, paused_until=AT, paused_by="uid 0", paused_reason="repair")
    task = Task("backup", Function("a.b:c"), zone=ZoneInfo("Europe/Berlin"), zone_name="Europe/Berlin")
    told = task_details(
        ScheduledTask(task, paused=state), past_of(Started(RUN)).of("backup"), [RunView(RUN, Action.RUN, None, 0)]
    )
    assert (told["paused"], told["paused_by"], told["paused_reason"]) == (True, "uid 0", "repair")
    assert (told["function"], told["command"], told["timezone"]) == ("a.b:c", None, "Europe/Berlin")
    assert json.loads(json.dumps(told)) == told


def test_details_tell_what_carries_out_its_runs_and_why_not_units() -> None:
    told = task_details(
        ScheduledTask(TASK), past_of().of("backup"), executor=ExecutorChoice(ExecutorKind.PROCESS, "no bus")
    )
    assert (told["executor"], told["executor_reason"]) == ("process", "no bus")
    told = task_details(ScheduledTask(TASK), past_of().of("backup"), executor=ExecutorChoice(ExecutorKind.UNIT))
    assert (told["executor"], told["executor_reason"]) == ("unit", None)
    told = task_details(ScheduledTask(TASK), past_of().of("backup"))
    assert (told["executor"], told["executor_reason"]) == (None, None)


@pytest.mark.parametrize(
    ("event", "name"),
    [
        (Started(RUN), "started"),
        (Spawned(RUN, 77, 1, RUN.start), "spawned"),
        (Finished(RUN, END), "finished"),
        (Missed("backup", "0199", AT, AT, AT, 1, "down"), "missed"),
    ],
)
def test_every_event_tells_what_it_is_and_whose(event: Event, name: str) -> None:
    told = event_object(event)
    assert (told["event"], told["task"], told["run_id"]) == (name, "backup", "0199")


def test_output_tells_its_stream_and_its_run() -> None:
    told = output_object(RUN, "stderr", "oops")
    assert (told["event"], told["stream"], told["line"], told["number"]) == ("output", "stderr", "oops", 12)
