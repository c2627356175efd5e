"""Applications: tasks of all kinds, run by `app.run()` until a task says stop."""

import asyncio
import os
import threading
from collections.abc import AsyncGenerator, Generator
from pathlib import Path
from typing import Any

import pytest

from rocketd import Rocketd
from rocketd.app import arguments
from rocketd.args import Arg, Argument, CliArg, EnvArg, FuncArg, Private, Return, SimpleArg, Task, TerminationFlag
from rocketd.conds import after_finish, after_success, daily, running, succeeded, true
from rocketd.core.model.condition import Condition
from rocketd.exc import RocketdError, SchedulerExit, TaskTerminationException
from support import importable_functions

QUICK = {"restart_delay": 0}
"""Nothing waits a second before it runs again."""


def end_of(app: Rocketd, task: object) -> Any:  # noqa: ANN401 - an item of whatever model the repository has
    """The record of how a task's run ended."""
    name = task if isinstance(task, str) else task.__name__  # type: ignore[attr-defined]
    return app.session[name].logger.get_latest()


def actions(app: Rocketd, name: str) -> list[str]:
    """What the run log tells of a task, in order."""
    return [record.action for record in app.session[name].logger.get_records()]


@pytest.fixture
def app() -> Generator[Rocketd, None, None]:
    """An application that gives up after a minute, which is a failure."""
    app = Rocketd(config=QUICK)
    gave_up: list[None] = []

    def give_up() -> None:
        gave_up.append(None)
        app.session.shut_down(force=True)

    timer = threading.Timer(60, give_up)
    timer.daemon = True
    app.session.hook_startup()(timer.start)
    yield app
    timer.cancel()
    assert not gave_up


def waits_for(flag: object) -> bool:
    assert isinstance(flag, threading.Event)
    return flag.wait(5)


def stop_after(app: Rocketd, *tasks: object) -> None:
    """Have the application stop when these tasks have ended."""
    condition: Condition = true
    for task in tasks:
        assert isinstance(task, str) or callable(task)
        condition &= after_finish(task)

    @app.task(condition, name="stop")
    def stop() -> None:
        app.session.shut_down()


# -- what a task can be ------------------------------------------------------------------------------------------------


def test_a_plain_function_runs_in_a_thread_and_a_coroutine_on_the_loop(app: Rocketd) -> None:
    threads = {}

    @app.task(daily)
    def plain() -> None:
        threads["plain"] = threading.get_ident()

    @app.task(daily)
    async def coroutine() -> None:
        threads["coroutine"] = threading.get_ident()

    @app.task(daily, execution="main")
    def on_main() -> None:
        threads["on_main"] = threading.get_ident()

    stop_after(app, plain, coroutine, on_main)
    app.run()
    here = threading.get_ident()
    assert threads["coroutine"] == threads["on_main"] == here != threads["plain"]
    assert actions(app, "plain") == ["run", "success"]


def test_a_plain_function_never_blocks_the_loop(app: Rocketd) -> None:
    """A coroutine goes on while a function waits for it."""
    seen = threading.Event()

    @app.task(daily)
    def waits() -> bool:
        return seen.wait(5)

    @app.task(daily)
    async def goes_on() -> None:
        await asyncio.sleep(0)
        seen.set()

    stop_after(app, waits, goes_on)
    app.run()
    assert app.session.returns["waits"] is True


def test_a_function_in_a_child_process_gets_parameters_and_gives_a_result_back(app: Rocketd) -> None:
    app.task(daily, func=importable_functions.add, execution="process", parameters={"left": 2, "right": 3})
    app.task(daily, func=importable_functions.own_pid, execution="process")
    app.task(daily, func=importable_functions.as_coroutine, execution="process")
    stop_after(app, "add", "own_pid", "as_coroutine")
    app.run()
    assert app.session.returns["add"] == 5
    assert app.session.returns["own_pid"] not in {None, os.getpid()}
    assert app.session.returns["as_coroutine"] == "from a loop of its own"


@pytest.mark.parametrize("execution", ["main", "async", "thread", "process"])
def test_inaction_and_failure_are_told_apart(app: Rocketd, execution: str) -> None:
    app.task(daily, func=importable_functions.nothing_to_do, execution=execution)  # type: ignore[call-overload]
    app.task(daily, func=importable_functions.broken, execution=execution)  # type: ignore[call-overload]
    stop_after(app, "nothing_to_do", "broken")
    app.run()
    assert (end_of(app, "nothing_to_do").action, end_of(app, "nothing_to_do").message) == (
        "inaction",
        "the directory is empty",
    )
    failed = end_of(app, "broken")
    assert (failed.action, failed.message) == ("fail", "ValueError: no such thing")
    assert "importable_functions.py" in failed.exc_text
    assert "rocketd" not in failed.exc_text


def test_a_child_process_that_dies_fails_its_run(app: Rocketd) -> None:
    app.task(daily, func=importable_functions.dies, execution="process")
    app.task(daily, func=importable_functions.unpicklable, execution="process")
    stop_after(app, "dies", "unpicklable")
    app.run()
    assert end_of(app, "dies").signal == 9
    assert "cannot be passed back" in end_of(app, "unpicklable").message


def test_a_command_gets_its_parameters_as_options(app: Rocketd, tmp_path: Path) -> None:
    out = tmp_path / "out"
    script = f'printf "%s\\n" "$@" > {out}; pwd >> {out}; echo printed'
    app.task(daily, name="told", command=["sh", "-c", script, "sh"], parameters={"date": "today", "-n": 3})
    app.task(daily, name="shelled", command=f"echo in a shell > {out}.shell", shell=True)  # noqa: S604 - our own
    stop_after(app, "told", "shelled")
    app.run()
    assert out.read_text().splitlines() == ["--date", "today", "-n", "3", str(Path.cwd())]
    assert (tmp_path / "out.shell").read_text() == "in a shell\n"
    assert app.session.returns["told"] == "printed\n"


def test_a_piece_of_code_has_its_parameters_as_variables(app: Rocketd) -> None:
    app.task(daily, name="code", code="return_value = foo + bar", parameters={"foo": "a", "bar": "b"})
    stop_after(app, "code")
    app.run()
    assert app.session.returns["code"] == "ab"


def test_a_function_of_a_file_is_read_anew_for_each_run(app: Rocketd, tmp_path: Path) -> None:
    """Arguments in its signature and parameters of the session reach it, too."""
    file = tmp_path / "job.py"
    file.write_text("from rocketd.args import Arg\ndef main(city, x=Arg('x')):\n    return ('first', city, x)\n")
    app.params(city="Oulu", x=7)
    task = app.task(name="file", path=file)
    task.run()
    task.run()
    got = []

    @app.task(after_success(task))
    def rewrite(value: object = Return(task)) -> None:
        got.append(value)
        file.write_text("def main(city):\n    return 'second'\n")
        if len(got) == 2:
            app.session.shut_down()

    task.mutex = rewrite.__name__  # so that the file is not read while it is written
    app.session["rewrite"].mutex = rewrite.__name__
    app.run()
    assert got == [("first", "Oulu", 7), "second"]


def test_what_would_run_nothing_is_no_task(app: Rocketd, tmp_path: Path) -> None:
    def generates() -> Generator[None, None, None]:
        yield

    async def generates_on_the_loop() -> AsyncGenerator[None, None]:
        yield

    for function in (generates, generates_on_the_loop):
        with pytest.raises(RocketdError, match=f"{function.__name__} is a generator function"):
            app.task(daily)(function)
    with pytest.raises(RocketdError, match="7 cannot be called"):
        app.task(daily, name="seven", func=7)  # type: ignore[call-overload]
    file = tmp_path / "late.py"
    file.write_text("def main():\n    yield\n")
    app.task(daily, name="late", path=file)
    stop_after(app, "late")
    app.session.config.silence_task_prerun = True
    app.run()
    assert "main is a generator function" in end_of(app, "late").message


def test_a_task_needs_something_to_do_and_a_name_of_its_own(app: Rocketd) -> None:
    with pytest.raises(RocketdError, match="needs a name"):
        app.task(code="pass")
    app.task(name="one", code="pass")
    with pytest.raises(KeyError, match="already"):
        app.task(name="one", code="pass")
    with pytest.raises(RocketdError, match="no option 'colour'"):
        app.task(name="two", code="pass", colour="red")  # type: ignore[call-overload]
    with pytest.raises(RocketdError, match="something to do"):
        app.session.create_task(name="three")


# -- arguments ---------------------------------------------------------------------------------------------------------


def test_arguments_say_at_each_run_what_they_are(app: Rocketd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIBRARY_TEST", "from the environment")
    monkeypatch.setattr("sys.argv", ["program", "--mode", "fast", "--level=3"])
    app.params(x="session", hidden=Private("secret"))

    @app.param("made")
    def make(x: object = Arg("x")) -> str:
        return f"made of {x}"

    class Own(Argument):
        def get_value(self, **about: object) -> object:
            return getattr(about["task"], "name", None)

    got: dict[str, object] = {}

    @app.task(daily, parameters={"own": Own()})
    def asks(  # noqa: PLR0913, PLR0917 - one of each
        made: str,
        own: str,
        hidden: str,
        default: int = 4,
        x: object = Arg("x"),
        missing: object = Arg("missing", default="nothing"),
        env: object = EnvArg("LIBRARY_TEST"),
        mode: object = CliArg("--mode"),
        level: object = CliArg("--level"),
        called: object = FuncArg(importable_functions.add, right=2, left=1),
        first: object = EnvArg("NO_SUCH") >> Arg("neither") >> SimpleArg("the last"),
        task: object = Task(),
        session: object = arguments.Session(),
        config: object = arguments.Config(),
    ) -> None:
        got.update(locals())

    stop_after(app, asks)
    app.run()
    task, session, config = got.pop("task"), got.pop("session"), got.pop("config")
    assert (task, session, config) == (app.session["asks"], app.session, app.session.config)
    del got["got"]
    assert got == {
        "made": "made of session",
        "own": "asks",
        "hidden": "secret",
        "default": 4,
        "x": "session",
        "missing": "nothing",
        "env": "from the environment",
        "mode": "fast",
        "level": "3",
        "called": 3,
        "first": "the last",
    }
    assert str(app.session.parameters["hidden"]) == "*****"


@pytest.mark.parametrize("materialize", ["pre", "post"])
def test_an_argument_that_is_a_coroutine_is_awaited(app: Rocketd, materialize: str) -> None:
    app.session.config.param_materialize = materialize  # type: ignore[assignment]
    got = []

    @app.param()
    async def token() -> str:
        await asyncio.sleep(0)
        return "secret"

    @app.task(daily)
    def plain(token: object = Arg("token")) -> None:
        got.append(token)

    @app.task(daily)
    async def coroutine(token: object = FuncArg(token)) -> None:
        got.append(token)

    stop_after(app, plain, coroutine)
    app.run()
    assert got == ["secret", "secret"]


def test_what_a_task_returned_is_handed_to_the_next(app: Rocketd) -> None:
    @app.task(daily)
    def first() -> str:
        return "a value"

    @app.task(after_success(first))
    def second(arg: object = Return(first), other: object = Return("second", default="none yet")) -> None:
        app.session.shut_down()
        assert (arg, other) == ("a value", "none yet")

    app.run()
    assert app.session["second"].status == "success"


# -- stopping ----------------------------------------------------------------------------------------------------------


def test_a_timeout_sets_the_flag_of_a_thread_and_cancels_a_coroutine(app: Rocketd) -> None:
    @app.task(daily, timeout=0.1)
    def in_thread(flag: object = TerminationFlag()) -> None:
        if waits_for(flag):
            raise TaskTerminationException("saw the flag")

    @app.task(daily, timeout="100 ms")
    async def on_loop() -> None:
        await asyncio.Event().wait()

    @app.task(daily, timeout=0.1)
    def finishes(flag: object = TerminationFlag()) -> None:
        waits_for(flag)

    stop_after(app, in_thread, on_loop, finishes)
    app.run()
    ended = end_of(app, in_thread)
    assert (ended.action, ended.cause, ended.message) == ("terminate", "timeout", "saw the flag")
    assert (end_of(app, on_loop).action, end_of(app, on_loop).cause) == ("terminate", "timeout")
    assert end_of(app, finishes).action == "success"  # its work was done in the end


def test_a_child_process_that_ignores_the_stop_is_killed_with_its_children(app: Rocketd, tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    os.mkfifo(ready)
    children: list[int] = []
    deaf = app.task(
        daily, func=importable_functions.deaf, execution="process", parameters={"ready": str(ready)}, kill_grace=0.2
    )

    @app.task(daily & running("deaf"))
    def stopper() -> None:
        children.append(int(ready.read_text()))
        deaf.terminate()

    stop_after(app, "deaf", "stopper")
    app.run()
    assert end_of(app, "deaf").action == "terminate"
    command_line = Path(f"/proc/{children[0]}/cmdline")
    assert not command_line.exists() or not command_line.read_bytes()  # gone, or a zombie


def test_end_cond_stops_a_run(app: Rocketd) -> None:
    @app.task(daily)
    def first() -> None:
        pass

    @app.task(daily, end_cond=succeeded(first))
    async def until_first() -> None:
        await asyncio.Event().wait()

    app.session["first"].start_cond = running(until_first)
    stop_after(app, until_first)
    app.run()
    assert end_of(app, until_first).cause == "stop_when"


def test_shut_down_lets_runs_end_and_a_second_call_stops_them(app: Rocketd) -> None:
    @app.task(daily)
    async def lets() -> None:
        app.session.shut_down()
        await asyncio.sleep(0)

    @app.task(daily)
    async def stubborn() -> None:
        await asyncio.Event().wait()

    @app.task(after_success(lets))
    def never() -> None:
        pass

    @app.session.hook_task_execute()
    def then(task: object) -> Generator[None, object, None]:
        yield
        if task is app.session["lets"]:
            app.session.shut_down()

    app.run()
    assert end_of(app, lets).action == "success"
    assert (end_of(app, stubborn).action, end_of(app, stubborn).cause) == ("crash", "shutdown")
    assert actions(app, "never") == []


def test_a_task_may_raise_that_the_scheduler_is_to_stop(app: Rocketd) -> None:
    @app.task(daily)
    def enough() -> None:
        raise SchedulerExit

    app.run()
    assert end_of(app, enough).action == "success"
