"""What `rocketctl why` draws, and how it asks about many."""

import json
import time
from collections.abc import Callable, Iterator

import pytest

from rocketd.cli.backend.backend import ExpectedStarts, RunQuery
from rocketd.cli.commands.why import answers, drawn, show
from rocketd.cli.context import Context
from rocketd.cli.exit_codes import ExitCode, Failure
from rocketd.cli.parser import Choices
from rocketd.cli.render.tables import RenderOptions
from rocketd.cli.render.terminal import Terminal
from rocketd.cli.render.terminal_text import underlined
from rocketd.core.instant import Instant
from rocketd.daemon.json_format import JsonObject, from_rfc3339

NOW = from_rfc3339("2026-11-24T12:00:00+00:00")
DAILY: JsonObject = {"condition": "daily", "holds": True, "because": "open", "since": None, "until": None, "parts": []}
TICK: JsonObject = {"condition": 'running("b")', "holds": None, "because": "not \x1b[1m loaded", "parts": []}
ANSWER: JsonObject = {
    "task": "backup",
    "condition": 'daily & running("b")',
    "holds": None,
    "because": "1 of 2",
    "since": None,
    "until": "2026-11-24T15:20:00.000000+00:00",
    "waiting_for": "backup waits for b",
    "parts": [DAILY, TICK],
}


@pytest.fixture
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Europe/Berlin")
        time.tzset()
        yield
    time.tzset()


def test_the_tree_is_drawn_from_what_was_told_and_nothing_in_it_reaches_the_terminal_raw() -> None:
    lines = drawn(ANSWER, RenderOptions(NOW))
    assert lines[0] == "backup waits for b"
    assert lines[1] == '? daily & running("b")'
    assert lines[2].startswith("│    1 of 2; until ")
    assert lines[2].endswith(" (in 3h 20min)")
    assert lines[3:] == ["├─ ✓ daily", "│       open", '└─ ? running("b")', "        not \\x1b[1m loaded"]


def test_a_reason_that_is_too_long_is_divided_at_its_semicolons() -> None:
    lines = drawn(ANSWER, RenderOptions(NOW, 40))
    assert lines[2] == "│    1 of 2;"
    assert lines[3].startswith("│    until ")
    assert drawn(ANSWER, RenderOptions(NOW, 200)) == drawn(ANSWER, RenderOptions(NOW))


def test_verdicts_are_coloured() -> None:
    lines = drawn(ANSWER, RenderOptions(NOW, colour=True))
    assert lines[3] == "├─ \x1b[32m✓\x1b[0m daily"
    assert lines[1].startswith("\x1b[33m?\x1b[0m ")


def test_a_condition_that_is_one_word_is_drawn_once() -> None:
    alone: JsonObject = {**ANSWER, "condition": "daily", "holds": True, "parts": [DAILY]}
    assert drawn(alone, RenderOptions(NOW))[1:] == ["✓ daily", "     open"]


@pytest.mark.usefixtures("berlin")
def test_all_times_of_an_answer_are_in_the_zone_of_its_task() -> None:
    """`00:00` and `until 16:20` side by side would be a riddle."""
    lines = drawn({**ANSWER, "timezone": "Asia/Tokyo"}, RenderOptions(NOW))
    assert lines[1] == "times are in Asia/Tokyo"
    assert lines[3] == "│    1 of 2; until Wed 2026-11-25 00:20:00 (in 3h 20min)"
    plain = drawn(ANSWER, RenderOptions(NOW))
    assert plain[2] == "│    1 of 2; until Tue 2026-11-24 16:20:00 (in 3h 20min)"
    assert [lines[0], lines[2], *lines[4:]] == [plain[0], plain[1], *plain[3:]]


@pytest.mark.usefixtures("berlin")
@pytest.mark.parametrize("zone", ["Europe/Berlin", "Europe/Paris", "Not/There", ""])
def test_a_task_with_the_clock_of_the_host_needs_no_words(zone: str) -> None:
    assert drawn({**ANSWER, "timezone": zone}, RenderOptions(NOW)) == drawn(ANSWER, RenderOptions(NOW))


def test_an_answer_of_another_version_is_drawn_as_far_as_it_is_understood() -> None:
    assert drawn({"task": "backup", "parts": [5, {"holds": "yes"}]}, RenderOptions(NOW))[0] == ""


class Parts:
    """Explains two tasks in two parts; what comes before the second may look at what was shown by then."""

    def __init__(self, between: Callable[[], None] = lambda: None) -> None:
        self._between = between

    def tasks(self) -> list[JsonObject]:
        return [{"task": "a"}, {"task": "b"}]

    def task(self, name: str) -> JsonObject:
        return {"task": name}

    def why(self, name: str, at: Instant | None) -> JsonObject:
        return {"task": name, "waiting_for": f"{name} waits", "at": at}

    def why_all(self, at: Instant | None) -> Iterator[list[JsonObject]]:
        yield [self.why("a", at)]
        self._between()
        yield [self.why("b", at)]

    def files(self, *, always: bool = False) -> JsonObject:
        return {"always": always}

    def planned(self, until: Instant) -> ExpectedStarts:
        return ExpectedStarts([("a", until - 1)], complete=True)

    def runs(self, wanted: RunQuery) -> list[JsonObject]:
        return [{"task": wanted.task}]

    def part(self, wanted: RunQuery, after: int) -> JsonObject:
        return {"runs": [{"task": wanted.task}], "next": after}

    def run(self, name: str) -> JsonObject:
        return {"run_id": name}


ALL = Choices("why", every=True)


def call_of(choices: Choices) -> Context:
    return Context(choices, Terminal({}), NOW)


def test_tasks_are_asked_about_by_name_or_all_in_parts() -> None:
    named = call_of(Choices("why", subjects=("b", "a")))
    assert list(answers(named, Parts(), 5)) == [[Parts().why("b", 5), Parts().why("a", 5)]]
    assert list(answers(call_of(ALL), Parts(), 5)) == [[Parts().why("a", 5)], [Parts().why("b", 5)]]


def test_what_has_come_is_shown_before_the_rest_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    seen: list[str] = []
    source = Parts(lambda: seen.append(capsys.readouterr().out))
    show(call_of(ALL), answers(call_of(ALL), source, None))
    assert seen == ["a waits\n? \n     \n"]
    assert capsys.readouterr().out == "\nb waits\n? \n     \n"


def test_json_comes_in_parts_too_and_is_the_same_array(capsys: pytest.CaptureFixture[str]) -> None:
    seen: list[str] = []
    source, call = Parts(lambda: seen.append(capsys.readouterr().out)), call_of(ALL._replace(json=True))
    show(call, answers(call, source, None))
    whole = [Parts().why("a", None), Parts().why("b", None)]
    assert seen == [json.dumps(whole[:1])[:-1]]
    assert seen[0] + capsys.readouterr().out == json.dumps(whole) + "\n"


def test_of_no_tasks_the_array_is_empty(capsys: pytest.CaptureFixture[str]) -> None:
    show(call_of(ALL._replace(json=True)), iter([[]]))
    show(call_of(ALL), iter([[]]))
    assert capsys.readouterr().out == "[]\n"


def test_a_daemon_that_goes_away_in_the_middle_is_a_failure_and_not_no_daemon() -> None:
    def gone() -> None:
        raise Failure("no daemon is running", code=ExitCode.NO_DAEMON)

    found = answers(call_of(ALL), Parts(gone), None)
    assert len(next(found)) == 1
    with pytest.raises(Failure, match="closed the connection too early") as raised:
        next(found)
    assert raised.value.code is ExitCode.FAILED


def test_carets_stand_under_the_mistake() -> None:
    assert underlined("daily & hourley", 8, 15) == ["daily & hourley", "        ^^^^^^^"]
    assert underlined("one |\n日 & two", 10, 13) == ["日 & two", "     ^^^"]
    assert underlined("daily &", 7, 7) == ["daily &", "       ^"]
    assert underlined("a\x1bb & c", 0, 3) == ["a\\x1bb & c", "^^^^^^"]


def test_of_a_task_without_a_condition_the_occasion_is_all_that_is_drawn() -> None:
    never: JsonObject = {**DAILY, "condition": "false", "holds": False}
    answer: JsonObject = {**never, "task": "a", "waiting_for": "a starts at the next boot", "parts": [never]}
    assert drawn(answer, RenderOptions(NOW)) == ["a starts at the next boot"]
    assert len(drawn({**answer, "waiting_for": "a never starts by itself"}, RenderOptions(NOW))) > 1
