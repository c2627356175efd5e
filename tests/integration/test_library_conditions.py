"""Conditions that are functions of the program, and errors that are silenced or not."""

import asyncio
import logging
import re
import sys
import threading
from collections.abc import Callable, Generator
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import pytest

from rocketd import Grouper, Rocketd
from rocketd.args import Arg, Argument, FuncArg
from rocketd.args import Task as TaskArg
from rocketd.conds import (
    after_finish,
    after_success,
    condition,
    cron,
    daily,
    dates,
    every,
    failed,
    false,
    retry,
    scheduler_cycles,
    started,
    succeeded,
    true,
)
from rocketd.core.model.condition import Condition
from rocketd.exc import ConditionError, RocketdError
from support.application import run

QUICK = {"restart_delay": 0}
DAY = timedelta(days=1)


def test_a_task_starts_when_a_function_of_the_program_says_so() -> None:
    """It is asked in a thread, again and again, until it does; a coroutine is asked on the loop."""
    app = Rocketd(config=QUICK, parameters={"wanted": 3})
    asked: list[str] = []

    @app.cond(every="10 ms")
    def is_time(wanted: object = Arg("wanted")) -> bool:
        asked.append(threading.current_thread().name)
        return isinstance(wanted, int) and len(asked) >= wanted

    @app.cond(every="10 ms")
    async def on_loop() -> bool:
        await asyncio.sleep(0)
        return threading.current_thread() is threading.main_thread()

    @app.task(daily & is_time & on_loop)
    def starts() -> None:
        app.session.shut_down()

    run(app)
    assert len(asked) >= 3  # on a busy machine the loop may come to ask once more
    assert set(asked) == {"task"}
    assert app.session["starts"].status == "success"


def test_what_a_plain_function_returns_is_awaited() -> None:
    """As with a decorator that knows nothing of coroutines; a coroutine itself would count as true."""
    app = Rocketd(config=QUICK)

    async def later(value: object) -> object:
        await asyncio.sleep(0)
        return value

    app.task(daily & app.cond(every="10 ms")(lambda: later(None)), name="never", code="pass")
    asked = app.cond(every="10 ms")(partial(later, "something"))
    app.task(daily & asked, name="stop", func=app.session.shut_down)
    run(app)
    assert [task.status for task in app.session.tasks] == [None, "success"]


def test_what_a_coroutine_is_asked_with_is_made_beside_the_loop() -> None:
    app = Rocketd(config=QUICK)

    def is_beside() -> bool:
        return threading.current_thread() is not threading.main_thread()

    @app.cond(every="10 ms")
    async def holds(value: object = FuncArg(is_beside)) -> object:
        return value

    app.task(daily & holds, name="stop", func=app.session.shut_down)
    run(app)


def test_a_generator_function_is_no_condition() -> None:
    """What it returns would always count as true."""

    def yields() -> Generator[bool, None, None]:
        yield False

    with pytest.raises(RocketdError, match="yields is a generator function"):
        Rocketd().cond()(yields)


def test_a_condition_needs_no_application() -> None:
    app = Rocketd(config=QUICK)

    @condition(every="10 ms")
    def has_come(what: str, wanted: object = Arg("wanted")) -> bool:
        return what == wanted

    app.params(wanted="orders")
    app.task(daily & has_come("mail"), name="never", code="pass")
    app.task(daily & has_come("orders"), name="stop", func=app.session.shut_down)
    run(app)
    assert [task.status for task in app.session.tasks] == [None, "success"]


def test_a_function_is_asked_only_while_its_answer_can_matter() -> None:
    app = Rocketd(config=QUICK)
    asked: list[str] = []

    @app.cond(every="5 ms")
    def useless() -> bool:
        asked.append("useless")
        return True

    @app.cond(every="5 ms")
    def useful() -> bool:
        asked.append("useful")
        return len(asked) > 5

    app.task(false & useless, name="never", code="pass")
    app.task(true & useful, name="then", func=app.session.shut_down)
    run(app)
    assert set(asked) == {"useful"}


def test_a_condition_may_be_asked_with_values_and_for_the_task_that_asks() -> None:
    app = Rocketd(config=QUICK)

    @app.cond(every="10 ms")
    def is_called(name: str, task: object = TaskArg()) -> bool:
        return getattr(task, "name", None) == name

    app.task(is_called("right"), name="right", code="pass")
    app.task(is_called("right"), name="wrong", code="pass")
    app.task(after_success("right"), name="stop", func=app.session.shut_down)
    run(app)
    assert app.session["right"].status == "success"
    assert app.session["wrong"].status is None


def test_functions_that_are_called_the_same_are_asked_each_for_itself() -> None:
    app, group = Rocketd(config=QUICK), Grouper()

    def giving(maker: Rocketd | Grouper, value: bool) -> Condition:  # noqa: FBT001 - what it gives
        @maker.cond(every="10 ms")
        def holds() -> bool:
            return value

        return holds

    app.task(daily & giving(app, value=False), name="never", code="pass")
    app.task(daily & giving(app, value=True), name="first", code="pass")
    group.task(after_success("first") & giving(group, value=False), name="never-either", code="pass")
    group.task(after_success("first") & giving(group, value=True), name="stop", func=app.session.shut_down)
    app.include_grouper(group)
    run(app)
    assert [task.status for task in app.session.tasks] == [None, "success", None, "success"]
    assert str(app.session["first"].start_cond).endswith("holds#2")
    app.session["never"].start_cond = app.session["first"].start_cond
    assert app.session["never"].start_cond == app.session["first"].start_cond


def test_text_of_ones_own_is_read_between_the_signs() -> None:
    app = Rocketd(config=QUICK)

    @app.cond(["is foo", re.compile(r"is foo in (?P<place>\w+)")], every="10 ms")
    def is_foo(place: str = "nowhere") -> bool:
        return place == "house"

    app.task("daily & (is foo in house | false) & ~is foo", name="text", func=app.session.shut_down)
    assert re.fullmatch(
        r"daily & \(\S*is_foo\(place='house'\) \| false\) & ~\S*is_foo", str(app.session["text"].start_cond)
    )
    run(app)
    assert app.session["text"].status == "success"


def test_a_function_that_hangs_is_not_called_again_beside_itself() -> None:
    """Not even when it has not been wanted for a while; its condition is unknown meanwhile."""
    app = Rocketd(config=QUICK)
    release, calls = threading.Event(), []

    @app.cond(every="5 ms")
    def hangs() -> bool:
        calls.append(threading.get_ident())
        return release.wait(10)

    waits = app.task(hangs, name="waits", code="pass")

    @app.task(daily)
    def first() -> None:
        while not calls:
            threading.Event().wait(0.001)
        waits.start_cond = false

    @app.task(after_success(first))
    def second() -> None:
        waits.start_cond = hangs

    asked: list[None] = []

    @app.cond(every="5 ms")
    def has_had_time() -> bool:
        asked.append(None)
        return len(asked) > 5

    @app.task(after_success(second) & has_had_time)
    def third() -> None:
        assert len(calls) == 1
        assert app.session["waits"].why().holds is None
        release.set()

    app.task(after_finish("third"), name="stop", func=app.session.shut_down)
    run(app)
    assert app.session["third"].status == "success"


def test_a_function_that_is_wanted_again_is_not_called_before_its_time() -> None:
    app = Rocketd(config=QUICK)
    called, asked = threading.Event(), []

    @app.cond(every="1 h")
    def rare() -> bool:
        asked.append("rare")
        called.set()
        return False

    @app.cond(every="5 ms")
    def often() -> bool:
        asked.append("often")
        return asked.count("often") > 5

    waits = app.task(rare, name="waits", code="pass")

    @app.task(daily)
    def first() -> None:
        called.wait(10)
        waits.start_cond = false

    @app.task(after_success(first))
    def second() -> None:
        waits.start_cond = rare

    app.task(after_success(second) & often, name="stop", func=app.session.shut_down)
    run(app)
    assert asked.count("rare") == 1


def test_an_own_condition_can_stop_a_run_and_the_scheduler() -> None:
    app = Rocketd(config=QUICK)
    seen = threading.Event()

    @app.cond(every="10 ms")
    def is_over() -> bool:
        return seen.is_set()

    @app.task(daily, end_cond=is_over)
    async def runs() -> None:
        seen.set()
        await asyncio.Event().wait()

    @app.cond(every="10 ms")
    def has_stopped() -> bool:
        return app.session["runs"].status == "terminate"

    app.session.config.shut_cond = has_stopped
    run(app)
    assert app.session["runs"].status == "terminate"


# -- silence ----------------------------------------------------------------------------------------------------------


def test_a_condition_that_raises_stops_the_scheduler_with_its_traceback(caplog: pytest.LogCaptureFixture) -> None:
    app = Rocketd(config=QUICK)

    @app.cond()
    def broken() -> bool:
        raise OSError("the disk is gone")

    app.task(broken, name="waits", code="pass")
    with pytest.raises(OSError, match="the disk is gone") as caught:
        run(app)
    assert caught.traceback[-1].name == "broken"
    assert any("the disk is gone" in record.message and "Traceback" in record.message for record in caplog.records)


def test_a_condition_that_exits_has_raised() -> None:
    app = Rocketd(config=QUICK)

    @app.cond()
    def exits() -> bool:
        sys.exit(3)

    app.task(daily & exits, name="never", code="pass")
    with pytest.raises(SystemExit):
        run(app)


def test_a_silenced_condition_is_unknown_and_starts_and_stops_nothing_nor_does_its_negation(
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = Rocketd(config={**QUICK, "silence_cond_check": True})
    asked = threading.Semaphore(0)

    @app.cond(every="10 ms")
    def broken() -> bool:
        asked.release()
        raise OSError("the disk is gone")

    @app.cond(every="10 ms")
    async def broken_too() -> bool:
        raise OSError("the disk is gone")

    app.task(broken, name="waits", code="pass")
    app.task(~broken, name="negated", code="pass")
    app.task(~broken_too, name="awaited", code="pass")

    @app.task(daily, end_cond=broken | ~broken)
    async def goes_on() -> None:
        for _ in range(5):
            await asyncio.to_thread(asked.acquire, timeout=5)

    app.task(succeeded("goes_on"), name="stop", func=app.session.shut_down)
    run(app)
    statuses = {name: app.session[name].status for name in ("waits", "negated", "awaited", "goes_on")}
    assert statuses == {"waits": None, "negated": None, "awaited": None, "goes_on": "success"}
    told = [record for record in caplog.records if record.name == "rocketd.scheduler" and "Traceback" in record.message]
    assert len(told) == 2  # each once, not every 10 ms


class Broken(Argument):
    """An argument that cannot be made."""

    def get_value(self, **_: object) -> object:
        raise LookupError("no such value")


@pytest.mark.parametrize("execution", ["main", "async", "thread", "process"])
def test_a_task_that_cannot_be_set_up_stops_the_scheduler_or_is_told(
    execution: str, caplog: pytest.LogCaptureFixture
) -> None:
    def made(silenced: bool) -> Rocketd:  # noqa: FBT001 - what it is about
        app = Rocketd(config={**QUICK, "silence_task_prerun": silenced})

        def needs(value: object = Broken()) -> None:
            raise AssertionError(value)

        app.task(daily, func=needs, execution=execution)  # type: ignore[call-overload]
        app.task(after_success("other"), name="stop", func=app.session.shut_down)
        app.task(daily, name="other", code="pass")
        return app

    app = made(silenced=False)
    with pytest.raises(LookupError, match="no such value"):
        run(app)
    assert app.session["needs"].status == "fail"
    caplog.clear()

    app = made(silenced=True)
    run(app)
    failed = app.session["needs"].logger.get_latest()
    assert getattr(failed, "message", "") == "could not be set up: no such value"
    assert app.session["other"].status == "success"
    told = [
        record for record in caplog.records if record.name == "rocketd.scheduler" and record.levelno == logging.ERROR
    ]
    assert len(told) == 1
    assert "LookupError: no such value" in told[0].message


def test_what_is_going_on_is_ended_when_an_error_stops_the_scheduler() -> None:
    """Its end is recorded, and the error is raised when it has ended."""
    app = Rocketd(config=QUICK)
    began = threading.Event()

    @app.cond(every="10 ms")
    def breaks() -> bool:
        if began.is_set():
            raise OSError("the disk is gone")
        return False

    @app.task(daily)
    async def going_on() -> None:
        began.set()
        await asyncio.Event().wait()

    app.task(breaks, name="waits", code="pass")
    with pytest.raises(OSError, match="gone"):
        run(app)
    ended = app.session["going_on"].logger.get_latest()
    assert (getattr(ended, "action", ""), getattr(ended, "cause", "")) == ("crash", "shutdown")


@pytest.mark.parametrize(
    ("written", "told"),
    [
        (lambda: every(5), "5 is not a duration"),  # type: ignore[arg-type]
        (lambda: cron(5), "5 is not a cron line"),  # type: ignore[arg-type]
        (lambda: retry("3"), "a number of attempts"),  # type: ignore[arg-type]
        (lambda: failed < "3", "a number to compare with"),  # type: ignore[operator]
    ],
)
def test_another_kind_of_value_than_a_word_takes_is_told(written: Callable[[], object], told: str) -> None:
    with pytest.raises(ConditionError, match=told):
        written()


def test_a_traceback_has_the_hint() -> None:
    with pytest.raises(ConditionError) as raised:
        bool(daily)
    assert raised.value.__notes__ == [raised.value.hint]


def test_cycles_that_are_counted_come_though_nothing_is_due() -> None:
    """As in programs for Rocketry, whose tests end by this."""
    app = Rocketd(execution="main", shut_cond=scheduler_cycles(more_than=3))
    ran: list[str] = []

    @app.task(scheduler_cycles(more_than=1) & ~started)
    def once() -> None:
        ran.append("once")

    run(app)
    assert ran == ["once"]


def test_a_file_of_a_calendar_that_is_written_anew_counts_at_once(tmp_path: Path) -> None:
    """As in the daemon: nothing is known of any day while the file has a mistake, and that is reported."""
    listed = tmp_path / "freeze.dates"
    app = Rocketd(config=QUICK)
    steps: list[str] = []

    def write(text: str) -> None:
        (tmp_path / "new").write_text(text)
        (tmp_path / "new").replace(listed)

    write("1999-01-01\n")

    class Mender(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if "nothing is known of the days of a calendar" in record.getMessage():
                steps.append("reported")
                today = date.today()  # noqa: DTZ011 - in the zone of the tasks
                write(f"{today - DAY}..{today + DAY}\n")

    @app.task(true & ~started)
    def first() -> None:
        steps.append("mistake")
        write("no date\n")

    @app.task(dates(str(listed)) & ~started)
    def on_listed_days() -> None:
        steps.append("listed")
        app.session.shut_down()

    logger, mender = logging.getLogger(app.session.config.scheduler_logger_basename), Mender()
    logger.addHandler(mender)
    try:
        run(app)
    finally:
        logger.removeHandler(mender)
    assert steps == ["mistake", "reported", "listed"]
