"""The small parts of the library."""

import os
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from rocketd import Rocketd
from rocketd.app.arguments import ArgumentContext, First
from rocketd.app.compiler import TaskCompiler
from rocketd.app.condition_rewriting import rename_tasks
from rocketd.app.config import Config
from rocketd.app.parameters import Parameters, parameters_for, values_of
from rocketd.app.task_body import CommandBody, FileBody
from rocketd.app.validators import duration_of
from rocketd.args import Arg, CliArg, EnvArg, Private, Return, SimpleArg
from rocketd.conds import after_any_fail, after_success, daily, retry, running, succeeded
from rocketd.config.host_lookup import HostLookup
from rocketd.config.problems import BadValue
from rocketd.core.instant import MINUTE, SECOND
from rocketd.core.language.parser import parse
from rocketd.core.model import task as core
from rocketd.core.model.task import Call, Execution, Overlap
from rocketd.exc import ConditionError, RocketdError


@pytest.mark.parametrize(
    ("span", "microseconds"),
    [("1 min 30 s", 90_000_000), (0.5, 500_000), (2, 2_000_000), (timedelta(milliseconds=1), 1000), (0, 0)],
)
def test_a_duration_is_text_seconds_or_a_timedelta(span: str | float | timedelta, microseconds: int) -> None:
    assert duration_of(span) == microseconds


def test_a_duration_is_not_negative() -> None:
    with pytest.raises(RocketdError, match="cannot be negative"):
        duration_of(-1)


@pytest.mark.parametrize(
    ("body", "parameters", "argv"),
    [
        (CommandBody("ls -l 'a b'"), {}, ("ls", "-l", "a b")),
        (CommandBody(("ls",)), {"color": "never", "-w": 3}, ("ls", "--color", "never", "-w", "3")),
        (CommandBody(("ls",), argform="short"), {"w": 3}, ("ls", "-w", "3")),
        (CommandBody("ls | wc", shell=True), {}, ("/bin/sh", "-c", "ls | wc", "sh")),  # noqa: S604 - looked at, not run
        (CommandBody("ls", shell=True), {"a": "b c"}, ("/bin/sh", "-c", 'ls "$@"', "sh", "--a", "b c")),  # noqa: S604 - as above
    ],
)
def test_a_command_is_split_as_a_shell_does_and_parameters_are_options(
    body: CommandBody, parameters: dict[str, object], argv: tuple[str, ...]
) -> None:
    assert body.work(parameters).argv == argv


@pytest.mark.parametrize(
    ("command", "why"),
    [("echo 'x", "No closing quotation"), ("", "it is empty"), ([], "it is empty"), (["sleep", 1], "1 is not text")],
)
def test_what_is_no_command_is_told_before_it_is_a_task(command: str | list[str], why: str) -> None:
    app = Rocketd()
    with pytest.raises(RocketdError, match=f"is not a command: {why}"):
        app.task(name="task", command=command)
    assert not app.session.tasks
    assert app.task(name="shell", command="echo 'x", shell=True).is_command  # noqa: S604 - looked at, not run


@pytest.mark.parametrize("command", ["false | true", "a && b", "a > b", "a; b"])
def test_a_command_for_a_shell_is_not_given_to_a_program_word_by_word(command: str) -> None:
    with pytest.raises(RocketdError, match="needs a shell") as caught:
        Rocketd().task(name="t", command=command)
    assert "shell=True" in caught.value.hint
    assert CommandBody(command, shell=True).command == command  # noqa: S604 - that is the question
    assert CommandBody(tuple(command.split())).command == tuple(command.split())
    assert CommandBody("grep a|b").command == "grep a|b"


def test_a_command_runs_in_the_directory_of_the_program_or_its_own() -> None:
    assert CommandBody("ls").work({}).surroundings.directory == str(Path.cwd())
    assert CommandBody("ls", cwd="/srv").work({}).surroundings.directory == "/srv"


def test_conditions_follow_tasks_to_their_new_names() -> None:
    condition = (after_success("a") | after_any_fail("a", "b")) & ~running("b") & (succeeded("a").today >= 2) & daily
    names = {"a": "x.a"}
    told = str(rename_tasks(condition | retry(3), names))
    assert told == str(parse(told))
    assert '"a"' not in told
    assert told.count('"x.a"') == 3
    assert '"b"' in told


def test_a_condition_about_what_is_no_task_is_refused() -> None:
    with pytest.raises(ConditionError, match="is not a task"):
        after_success(7)  # type: ignore[arg-type]
    with pytest.raises(ConditionError, match="is missing"):
        after_success("")


def test_later_parameters_win_and_only_what_is_asked_for_is_handed_over() -> None:
    def function(a: object, b: object = Arg("x"), c: object = 3, *, d: object = 4) -> None:
        del a, b, c, d

    chosen = parameters_for(function, {"a": 1, "b": 2, "other": 5}, {"d": 6})
    assert {name: value for name, value in chosen.items() if name != "b"} == {"a": 1, "d": 6}
    assert isinstance(chosen["b"], Arg)


def test_the_first_argument_that_has_a_value_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LIBRARY_PARTS", raising=False)
    asked = ArgumentContext(Rocketd().session)
    chain = EnvArg("LIBRARY_PARTS") >> CliArg("--no-such-option") >> Arg("x") >> SimpleArg("last")
    assert isinstance(chain, First)
    assert chain.resolve(asked) == "last"
    asked.session.parameters["x"] = "session"
    assert chain.resolve(asked) == "session"
    monkeypatch.setenv("LIBRARY_PARTS", "environment")
    assert chain.resolve(asked) == "environment"
    with pytest.raises(KeyError, match="no-such-option"):
        (CliArg("--no-such-option") >> CliArg("--no-such-option")).resolve(asked)


def test_the_return_of_a_task_that_is_not_there_is_told_from_one_that_is_yet_to_come() -> None:
    app = Rocketd()
    app.task(name="extract", code="pass")
    with pytest.raises(KeyError, match="the task 'extract' has not returned anything yet"):
        Return("extract").resolve(ArgumentContext(app.session))
    with pytest.raises(KeyError, match="there is no task 'extrakt'"):
        Return("extrakt").resolve(ArgumentContext(app.session))
    assert Return("extrakt", default=None).resolve(ArgumentContext(app.session)) is None


def test_a_secret_is_seen_by_tasks_only() -> None:
    app = Rocketd(parameters={"key": Private("secret")})
    task = app.task(name="task", code="pass")
    assert "secret" not in repr(app.session.parameters)
    assert app.session.parameters["key"] == "*****"
    params = app.session.parameters.raw
    assert values_of(params, ArgumentContext(app.session, task)) == {"key": "secret"}
    assert dict(Parameters(app.session.parameters).raw) == params


def test_options_that_have_no_effect_are_named_with_the_reason() -> None:
    with pytest.warns(UserWarning, match="func_run_id has no effect: a run id is a UUIDv7") as caught:
        config = Rocketd(func_run_id=None).session.config
    assert caught[0].filename == __file__
    with pytest.warns(UserWarning, match="cycle_sleep has no effect") as caught:
        config.cycle_sleep = 0.1  # type: ignore[attr-defined]
    assert caught[0].filename == __file__


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("silence_cond_chek", True, "there is no option silence_cond_chek"),
        ("time_func", None, "the option time_func is not supported"),
        ("execution", "threads", "execution cannot be 'threads'"),
        ("timeout", "long", "timeout cannot be 'long'"),
        ("restart_delay", None, "restart_delay cannot be None"),
        ("max_running", 0, "max_running cannot be 0"),
        ("max_process_count", "2", "max_process_count cannot be '2'"),
    ],
)
def test_an_option_is_checked_whenever_it_is_set(option: str, value: object, message: str) -> None:
    """A typo in a setup hook is told there, and not left without effect."""
    config = Rocketd().session.config
    before = replace(config)
    with pytest.raises(RocketdError, match=message):
        setattr(config, option, value)
    assert config == before


def test_an_option_may_be_set_by_its_older_name() -> None:
    config = Config.of({"task_execution": "thread"})
    config.task_execution = "process"
    assert config.execution == "process"


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("name", 7),
        ("execution", "threads"),
        ("overlap", "never"),
        ("timeout", "long"),
        ("timeout", -1),
        ("restart_delay", [1]),
        ("splay", "x"),
        ("splay", {"each": "run"}),
        ("splay", {"most": "x", "each": "run"}),
        ("splay", {"most": "1 min", "each": "day"}),
        ("splay", {"most": "1 min", "every": "run"}),
        ("splay", ["1 min"]),
        ("kill_grace", "x"),
        ("priority", "high"),
        ("parameters", ["a"]),
        ("crash_limit", "3"),
    ],
)
def test_a_task_is_told_at_once_what_it_cannot_be_set_to(option: str, value: object) -> None:
    """Left to the scheduler, one wrong value would keep every later change from being loaded."""
    app = Rocketd()
    task = app.task(name="task", code="pass")
    before = getattr(task, option)
    with pytest.raises(RocketdError, match=rf"^{option} cannot be "):
        setattr(task, option, value)
    assert getattr(task, option) == before
    with pytest.raises(RocketdError, match=rf"^{option} cannot be "):
        app.session.create_task(**{"code": "pass", "name": "another", option: value})  # type: ignore[arg-type]
    assert [task.name for task in app.session.tasks] == ["task"]


def test_parameters_of_a_task_may_be_set_to_a_mapping() -> None:
    task = Rocketd().task(name="task", code="pass")
    task.parameters = {"date": SimpleArg("today")}  # type: ignore[assignment]
    assert task.parameters["date"] == "today"


def test_a_task_takes_no_option_that_it_does_not_have() -> None:
    task = Rocketd().task(name="task", code="pass")
    with pytest.raises(RocketdError, match="a task has no option 'timout'"):
        task.timout = "1 min"


def compiled(app: Rocketd) -> core.Task:
    app.task(name="task")(lambda: None)
    return TaskCompiler(app.session.config).compile(app.session["task"])


def test_a_task_has_the_defaults_of_the_configuration() -> None:
    """Without a word about it a run may take half an hour, as in Rocketry; in a task file as long as it likes."""
    task = compiled(Rocketd())
    assert (task.timeout, task.restart_delay) == (30 * MINUTE, SECOND)
    assert (task.overlap, task.work) == (Overlap.WAIT, Call(Execution.THREAD))
    assert compiled(Rocketd(config={"timeout": "never"})).timeout is None


def test_tasks_are_in_the_zone_of_the_application_else_in_the_host_s() -> None:
    assert compiled(Rocketd(config={"timezone": "Asia/Kathmandu"})).zone_name == "Asia/Kathmandu"
    assert compiled(Rocketd()).zone_name == HostLookup(os.geteuid()).zone("local").name
    with pytest.raises(BadValue, match="there is no time zone"):
        compiled(Rocketd(config={"timezone": "Asia/Nowhere"}))


def test_tags_are_names_in_a_list() -> None:
    app = Rocketd()
    task = app.task(name="task", code="pass", tags=["db", "nightly"])
    assert TaskCompiler(app.session.config).compile(task).tags == ("db", "nightly")
    for wrong in ("db", ["a b"], [1], {"db"}):
        with pytest.raises(RocketdError, match="tags cannot be"):
            task.tags = wrong  # type: ignore[assignment]


@pytest.mark.parametrize("line", ["from {0}.tools import value", "from .. import tools; value = tools.value"])
def test_a_file_in_a_package_is_imported_as_a_part_of_it(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", sys.path[:])
    package = f"package_of_{len(line)}"
    folder = tmp_path / package / "jobs"
    folder.mkdir(parents=True)
    for place in (folder, folder.parent):
        (place / "__init__.py").touch()
    (folder.parent / "tools.py").write_text("value = 5")
    (folder / "clean.py").write_text(f"{line.format(package)}\ndef main(): return value")
    assert FileBody(folder / "clean.py").read()() == 5
    assert str(tmp_path) in sys.path
    assert str(folder) not in sys.path
