"""The command line: global options anywhere, mistakes answered with one sentence."""

import pytest

from rocketd.cli.command_table import ACTIONS, VERBS
from rocketd.cli.exit_codes import ExitCode, UsageError
from rocketd.cli.parser import Choices, parse
from rocketd.cli.rocketctl import VERBS as DONE
from rocketd.cli.rocketctl import verb as done_by
from rocketd.core.model.run import Action


def test_every_verb_of_the_table_is_done_by_something() -> None:
    assert {verb.name for verb in VERBS} == DONE.keys()
    assert all(callable(done_by(name)) for name in DONE)


def test_every_field_of_the_table_is_a_field_of_the_choices() -> None:
    fields = {one.field for verb in VERBS for one in verb.arguments}
    fields |= {one.field for verb in VERBS for one in verb.options}
    assert fields <= set(Choices._fields)


def test_the_actions_are_those_of_the_core() -> None:
    assert set(ACTIONS) == {str(action) for action in Action}


@pytest.mark.parametrize("words", [["--json", "--state-dir", "/s", "list"], ["list", "--state-dir=/s", "--json"]])
def test_global_options_stand_before_the_verb_or_after_it(words: list[str]) -> None:
    choices = parse(words)
    assert (choices.verb, choices.json, choices.state_dir) == ("list", True, "/s")


def test_config_directories_add_up_from_both_places() -> None:
    assert parse(["--config-dir", "a", "check", "--config-dir", "b", "--config-dir", "c"]).config_dir == ["a", "b", "c"]


def test_directories_default_to_what_the_service_manager_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    monkeypatch.setenv("RUNTIME_DIRECTORY", "/somewhere")
    choices = parse(["list"])
    assert (choices.state_dir, choices.socket) == ("/var/lib/rocketd", "/somewhere/control.sock")


def test_actions_repeat_or_stand_in_one_word() -> None:
    assert parse(["history", "--action", "fail,crash", "--action", "missed"]).action == ["fail", "crash", "missed"]


def test_a_task_named_like_a_verb_is_a_task_after_the_verb() -> None:
    assert parse(["--runtime-dir", "list", "show", "history"]).subject == "history"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["lisst"], "did you mean list?"),
        (["history", "--action", "failed"], "allowed: run, success"),
        (["export", "--csv", "--json"], "either --csv or --json, not both"),
        (["history", "--limit", "0"], "--limit takes a number from 1 to 1000000000, not '0'"),
        (["history", "--limit", "9" * 5000], "--limit takes a number from 1"),
        (["run", "backup", "--exit-code"], "--exit-code needs --wait"),
        (["run"], "one or more tasks"),
        ([], "VERB"),
        (["list", "--jso"], "--jso"),
        (["status", "extra"], "extra"),
        (["show", ""], "empty"),
    ],
)
def test_a_mistake_is_a_usage_error_that_teaches(words: list[str], told: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(words)
    assert caught.value.code is ExitCode.USAGE
    assert told in f"{caught.value.message}; {caught.value.hint}"
