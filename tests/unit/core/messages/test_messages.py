"""What the journal is told: sentences for people, fields for searches, one MESSAGE_ID for each kind of event."""

import re
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest

from rocketd.core.instant import HOUR, MINUTE, SECOND
from rocketd.core.messages import daemon_messages, notification_messages, run_messages
from rocketd.core.messages.message import Message, MessageId, Priority, Stream
from rocketd.core.model.events import Event, Finished, Missed, Spawned, Started, Withdrawn
from rocketd.core.model.run import Action, Cause, End, Run, Trigger, Usage
from rocketd.core.notifications.occasions import Overdue, Slow

RUN = Run("backup", 7, "0193-run", 1, due=50 * SECOND, start=51 * SECOND, trigger=Trigger.SCHEDULE, reason="daily")
AGAIN = replace(RUN, attempt=2, trigger=Trigger.RETRY, reason="retry(3)")
SUCCESS = End(Action.SUCCESS, Cause.EXIT, 60 * SECOND, exit_code=0, runtime=2 * MINUTE + 3 * SECOND)
CATALOG = Path(__file__).parents[4] / "systemd" / "rocketd.catalog"


def ended(action: Action, cause: Cause, run: Run = RUN, *, exit_code: int | None = None, message: str = "") -> Message:
    end = End(action, cause, 60 * SECOND, exit_code=exit_code, runtime=12 * SECOND, message=message)
    return run_messages.entry_of(Finished(run, end))


@pytest.mark.parametrize(
    ("event", "sentence"),
    [
        (Started(RUN), "backup started: daily"),
        (Started(AGAIN), "backup started (attempt 2): retry(3)"),
        (Started(replace(RUN, reason="")), "backup started"),
        (Spawned(RUN, 4711, 99, RUN.start), "backup is running as process 4711"),
        (Finished(RUN, SUCCESS), "backup succeeded after 2min 3s"),
        (Finished(RUN, replace(SUCCESS, action=Action.INACTION)), "backup had nothing to do after 2min 3s"),
        (
            Finished(RUN, replace(SUCCESS, action=Action.FAIL, exit_code=3)),
            "backup failed with exit code 3 after 2min 3s",
        ),
        (
            Finished(AGAIN, replace(SUCCESS, action=Action.FAIL, exit_code=None, signal=11)),
            "backup failed (killed by SIGSEGV) after 2min 3s (attempt 2)",
        ),
        (
            Finished(RUN, End(Action.FAIL, Cause.EXIT, 1, message="cannot start: /bin/nix: No such file or directory")),
            "backup failed: cannot start: /bin/nix: No such file or directory",
        ),
        (
            Finished(
                RUN, replace(SUCCESS, action=Action.FAIL, exit_code=1, exc_text="Trace…", message="ValueError: no")
            ),
            "backup failed after 2min 3s: ValueError: no",
        ),
        (Missed("backup", "0193-m", 9, 1, 5, 1, "paused"), "backup: 1 scheduled run missed (paused)"),
        (Missed("backup", "0193-m", 9, 1, 5, 4, "down"), "backup: 4 scheduled runs missed (down)"),
    ],
)
def test_each_event_is_a_sentence(event: Event, sentence: str) -> None:
    assert run_messages.entry_of(event).message == sentence


@pytest.mark.parametrize(
    ("action", "cause", "sentence", "priority"),
    [
        (Action.TERMINATE, Cause.TIMEOUT, "backup was stopped by its timeout after 12s", Priority.ERROR),
        (Action.TERMINATE, Cause.OPERATOR, "backup was stopped by an operator after 12s", Priority.NOTICE),
        (
            Action.TERMINATE,
            Cause.STOP_WHEN,
            "backup was stopped after 12s by its stop_when condition",
            Priority.INFO,
        ),
        (
            Action.TERMINATE,
            Cause.REPLACE,
            "backup was stopped after 12s and replaced by its next run",
            Priority.INFO,
        ),
        (Action.CRASH, Cause.SHUTDOWN, "backup was interrupted by the shutdown of rocketd after 12s", Priority.WARNING),
        (
            Action.CRASH,
            Cause.DOWN,
            "backup was interrupted: rocketd or the host went down; outcome unknown",
            Priority.WARNING,
        ),
        (Action.FAIL, Cause.EXIT, "backup failed after 12s", Priority.ERROR),
        (Action.SUCCESS, Cause.EXIT, "backup succeeded after 12s", Priority.INFO),
    ],
)
def test_the_cause_of_an_end_decides_sentence_and_priority(
    action: Action, cause: Cause, sentence: str, priority: Priority
) -> None:
    entry = ended(action, cause)
    assert (entry.message, entry.priority) == (sentence, priority)


@pytest.mark.parametrize(("action", "cause"), [*product(Action, Cause)])
def test_no_end_is_without_a_sentence(action: Action, cause: Cause) -> None:
    """A repository of another make may hold any pair."""
    entry = ended(action, cause)
    assert entry.message.startswith("backup ")
    assert "{" not in entry.message
    assert entry.message_id in set(MessageId)


@pytest.mark.parametrize(
    ("runtime", "told"),
    [
        (40, "40us"),
        (1_234, "1ms"),
        (2_041_499, "2.04s"),
        (9_999_600, "9.99s"),
        (59_500_001, "59s"),
        (2 * HOUR + 400_000, "2h"),
    ],
)
def test_a_runtime_is_as_exact_as_a_reader_wants_it(runtime: int, told: str) -> None:
    entry = run_messages.entry_of(Finished(RUN, replace(SUCCESS, runtime=runtime)))
    assert entry.message == f"backup succeeded after {told}"
    assert entry.fields["ROCKETD_RUNTIME_USEC"] == str(runtime)


def test_the_end_of_a_run_can_be_searched_for() -> None:
    entry = run_messages.entry_of(Finished(AGAIN, replace(SUCCESS, action=Action.FAIL, exit_code=3)))
    assert entry.fields == {
        "ROCKETD_TASK": "backup",
        "ROCKETD_RUN_ID": "0193-run",
        "ROCKETD_NUMBER": "7",
        "ROCKETD_ATTEMPT": "2",
        "ROCKETD_TRIGGER": "retry",
        "ROCKETD_REASON": "retry(3)",
        "ROCKETD_DUE_USEC": "50000000",
        "ROCKETD_ACTION": "fail",
        "ROCKETD_CAUSE": "exit",
        "ROCKETD_RUNTIME_USEC": "123000000",
        "ROCKETD_EXIT_CODE": "3",
    }
    assert entry.identifier == "rocketd"


def test_what_a_run_has_used_is_in_its_fields_as_far_as_it_is_known() -> None:
    fields = run_messages.entry_of(Finished(RUN, replace(SUCCESS, usage=Usage(cpu=5, io_read=0)))).fields
    used = ("ROCKETD_CPU_USEC", "ROCKETD_MEMORY_PEAK", "ROCKETD_IO_READ_BYTES", "ROCKETD_IO_WRITTEN_BYTES")
    assert [fields.get(name) for name in used] == ["5", None, "0", None]


def test_a_line_of_output_speaks_in_the_name_of_its_task() -> None:
    entry = run_messages.output_line(RUN, Stream.STDERR, "disk is full")
    assert entry == Message(
        "disk is full",
        Priority.INFO,
        "",
        {
            "ROCKETD_TASK": "backup",
            "ROCKETD_RUN_ID": "0193-run",
            "ROCKETD_NUMBER": "7",
            "ROCKETD_STREAM": "stderr",
        },
        "backup",
    )
    assert entry.is_output
    assert not run_messages.entry_of(Started(RUN)).is_output


@pytest.mark.parametrize(
    ("entry", "sentence", "priority"),
    [
        (daemon_messages.ready("0.1.0", 1, 0), "rocketd 0.1.0 is ready: 1 task, 0 problems", Priority.INFO),
        (daemon_messages.reloaded(12, 1), "reloaded: 12 tasks, 1 problem", Priority.WARNING),
        (daemon_messages.problem("a.toml:1:1: error: x", "a.toml"), "a.toml:1:1: error: x", Priority.ERROR),
        (daemon_messages.problem("w", "a.toml", warning=True), "w", Priority.WARNING),
        (daemon_messages.stopping(0, MINUTE), "stopping", Priority.INFO),
        (daemon_messages.stopping(2, 90 * SECOND), "stopping: waiting up to 1min 30s for 2 runs", Priority.INFO),
        (daemon_messages.clock_step(-HOUR), "the clock was set back by 1h", Priority.NOTICE),
        (daemon_messages.clock_step(SECOND), "the clock was set forward by 1s", Priority.NOTICE),
        (daemon_messages.suspended(HOUR), "the host was suspended for 1h", Priority.NOTICE),
        (daemon_messages.store_recovered(SECOND), "the run log is writable again, after 1s", Priority.NOTICE),
        (
            daemon_messages.paused("backup", "uid 0"),
            "backup was paused by uid 0 until someone resumes it",
            Priority.NOTICE,
        ),
        (
            daemon_messages.paused("backup", "uid 0", "2026-11-24 10:00:00", "new disk"),
            "backup was paused by uid 0 until 2026-11-24 10:00:00: new disk",
            Priority.NOTICE,
        ),
        (daemon_messages.resumed("backup", "uid 0"), "backup was resumed by uid 0", Priority.NOTICE),
        (
            run_messages.left_overs(RUN),
            "backup: stopped the processes that its run 7 had left behind",
            Priority.WARNING,
        ),
        (
            daemon_messages.lines_left_out(1),
            "1 log entry dropped here: the journal was too slow",
            Priority.WARNING,
        ),
        (
            daemon_messages.store_degraded("disk is full"),
            "cannot write the run log; no task starts until it is writable again: disk is full",
            Priority.ERROR,
        ),
    ],
)
def test_what_the_daemon_does_is_a_sentence(entry: Message, sentence: str, priority: Priority) -> None:
    assert (entry.message, entry.priority) == (sentence, priority)
    assert entry.message_id in set(MessageId)


def test_every_kind_of_entry_has_an_id_of_its_own() -> None:
    assert all(re.fullmatch("[0-9a-f]{32}", kind.value) for kind in MessageId)
    assert len({kind.value for kind in MessageId}) == len(MessageId.__members__)


def test_the_catalog_explains_every_kind_of_entry_and_no_other() -> None:
    explained = re.findall(r"^-- ([0-9a-f]{32})$", CATALOG.read_text(), re.MULTILINE)
    assert sorted(explained) == sorted(kind.value for kind in MessageId)


def test_the_catalog_asks_for_no_field_that_its_entry_lacks() -> None:
    """Else journalctl shows the name between two @ instead of a value."""
    missed = Missed("backup", "0193-m", 9, 1, 5, 4, "down")
    told = [
        *(run_messages.entry_of(event) for event in (Started(RUN), Spawned(RUN, 1, 1, RUN.start), missed)),
        *(run_messages.entry_of(Withdrawn(RUN, 9, "no process", cause)) for cause in Cause),
        run_messages.lacks(Withdrawn(RUN, 9, "no process"), 16),
        *(ended(action, cause) for action, cause in product(Action, Cause)),
        daemon_messages.ready("0.1.0", 1, 0),
        daemon_messages.reloaded(1, 0),
        daemon_messages.problem("x", "a.toml"),
        daemon_messages.stopping(0, 0),
        daemon_messages.clock_step(1),
        daemon_messages.suspended(1),
        daemon_messages.store_degraded("x"),
        daemon_messages.store_recovered(1),
        daemon_messages.store_spooled("x"),
        daemon_messages.damaged("x"),
        daemon_messages.shortage("x"),
        daemon_messages.shortage_over(),
        daemon_messages.repository_away("x"),
        daemon_messages.repository_recovered(),
        daemon_messages.mail_failed("x"),
        daemon_messages.mail_sent_again(),
        daemon_messages.unobserved("x", "y"),
        daemon_messages.observed_again("x"),
        daemon_messages.lines_left_out(1),
        daemon_messages.paused("backup", "uid 0"),
        daemon_messages.resumed("backup", "uid 0"),
        run_messages.left_overs(RUN),
        notification_messages.hook_ended(missed, "on_missed", "failed with exit code 1", 1),
        notification_messages.overdue(Overdue("backup", 9, 1, 4)),
        notification_messages.slow(Slow(RUN, 9, 4)),
        notification_messages.undelivered("x", "y"),
        notification_messages.delivered_again("x"),
        notification_messages.given_up(missed, "x", "y"),
    ]
    assert {entry.message_id for entry in told} == set(MessageId)
    texts = dict(re.findall(r"^-- (\w+)\n(.*?)(?=^-- |\Z)", CATALOG.read_text(), re.MULTILINE | re.DOTALL))
    for entry in told:
        assert set(re.findall("@([A-Z_]+)@", texts[entry.message_id])) <= set(entry.fields), entry


def test_fields_have_names_that_journald_takes() -> None:
    entry = run_messages.entry_of(Finished(RUN, replace(SUCCESS, signal=9)))
    assert all(re.fullmatch("[A-Z][A-Z0-9_]{0,63}", name) for name in entry.fields)


def test_a_signal_without_a_name_keeps_its_number() -> None:
    entry = run_messages.entry_of(Finished(RUN, replace(SUCCESS, action=Action.FAIL, exit_code=None, signal=99)))
    assert entry.message == "backup failed (killed by 99) after 2min 3s"
