"""A session: what it can be told while it runs, by tasks and from other threads; hooks, groups, two applications."""

import asyncio
import logging
import threading
import time
from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from rocketd import Grouper, Rocketd, Session
from rocketd.app.task_log import TaskLog
from rocketd.args import Arg, TaskLogger
from rocketd.args import Session as SessionArg
from rocketd.args import Task as TaskArg
from rocketd.conds import after_success, daily, every, false, running, started, succeeded, time_of_day, true
from rocketd.core.instant import DAY
from rocketd.core.model.events import Finished, Started
from rocketd.core.model.run import Action, Cause, End, Run, Trigger
from rocketd.exc import ConditionError, RocketdError
from rocketd.log import RunRecord
from rocketd.repos import MemoryRepo
from rocketd.store.sqlite.store import SqliteStore
from support.application import run

QUICK = {"restart_delay": 0}


def actions(app: Rocketd, name: str) -> list[str]:
    return [record.action for record in app.session[name].logger.get_records()]


# -- metatasks --------------------------------------------------------------------------------------------------------


def test_a_task_makes_and_removes_tasks_while_the_scheduler_runs() -> None:
    app = Rocketd(config=QUICK)
    seen = []

    def made() -> None:
        seen.append("made")
        app.session.remove_task("old")
        app.session.create_task(func=last, start_cond=daily)

    def last() -> None:
        seen.append("last")
        app.session.shut_down()

    @app.task(false, name="old")
    def old() -> None:
        seen.append("old")

    @app.task(daily)
    def meta(session: object = SessionArg()) -> None:
        assert isinstance(session, Session)
        session.create_task(func=made, start_cond="daily")

    run(app)
    assert seen == ["made", "last"]
    assert "old" not in app.session


def test_run_queues_as_many_runs_as_it_is_called_each_with_its_parameters() -> None:
    app = Rocketd(config=QUICK)
    got = []

    @app.task()
    def queued(value: int) -> None:
        got.append(value)
        if value == 3:
            app.session.shut_down()

    app.session["queued"].run(value=0)

    @app.task(daily)
    async def calls(task: object = TaskArg(queued)) -> None:
        assert task is app.session["queued"]
        for value in (1, 2, 3):
            app.session["queued"].run({"value": value})

    run(app)
    assert got == [0, 1, 2, 3]
    records = app.session["queued"].logger.get_records(action="run")
    assert [record.trigger for record in records] == ["as-scheduled"] * 4
    assert [record.reason for record in records] == ["task.run()"] * 4


def test_a_disabled_task_runs_only_when_asked_for() -> None:
    app = Rocketd(config=QUICK)

    @app.task(daily, disabled=True)
    def disabled() -> None:
        pass

    @app.task(daily)
    def first() -> None:
        app.session["disabled"].run()

    @app.task(after_success(disabled))
    def then() -> None:
        app.session.shut_down()

    run(app)
    assert actions(app, "disabled") == ["run", "success"]


def test_what_is_changed_counts_at_once() -> None:
    """A task is enabled, and another gets a condition, by a third."""
    app = Rocketd(config=QUICK)

    @app.task(daily, disabled=True)
    def enabled() -> None:
        pass

    @app.task(false)
    def conditioned() -> None:
        app.session.shut_down()

    @app.task(daily)
    def changes() -> None:
        app.session["enabled"].disabled = False
        app.session["conditioned"].start_cond = after_success(enabled)

    run(app)
    assert actions(app, "conditioned") == ["run", "success"]


def test_several_runs_at_once_where_that_is_allowed() -> None:
    app = Rocketd(config=QUICK)
    together = threading.Barrier(3)

    @app.task(multilaunch=True)
    def meets() -> None:
        together.wait(5)
        app.session.shut_down()

    for _ in range(3):
        app.session["meets"].run()
    run(app)
    assert actions(app, "meets").count("success") == 3


def test_a_restart_lets_runs_end_and_calls_the_hooks_again() -> None:
    app = Rocketd(config=QUICK)
    starts: list[str] = []

    @app.setup
    def setup() -> None:
        starts.append("start")

    @app.task(on_startup=True)
    def each_time() -> None:
        if len(starts) == 1:
            app.session.restart()
        else:
            app.session.shut_down()

    run(app)
    assert starts == ["start", "start"]
    assert actions(app, "each_time") == ["run", "success"] * 2


def test_it_says_what_became_of_a_task() -> None:
    app = Rocketd(config={**QUICK, "timezone": "UTC"})
    task = app.task(true, name="told", code="pass")
    assert (task.status, task.last_run, task.is_running) == (None, None, False)

    @app.task(after_success("told"))
    def stop() -> None:
        task.disabled = True
        app.session.shut_down()

    before = datetime.now(UTC)
    run(app)
    assert task.status == "success"
    assert task.last_run is not None
    assert before - timedelta(seconds=1) < task.last_run <= datetime.now(UTC)
    assert task.last_fail is None
    assert task.get_last_success() == task.last_success
    assert not task.is_alive()


def test_why_tells_what_a_task_waits_for_before_and_while_the_scheduler_runs() -> None:
    app = Rocketd(config=QUICK)
    told = []

    @app.task(after_success("asks") & daily.before("00:00:00.000001"))
    def waits() -> None:
        pass

    @app.task(daily)
    def asks() -> None:
        told.append(app.session["waits"].why())
        app.session.shut_down()

    assert app.session["asks"].why().holds
    run(app)
    assert told[0].holds is False
    assert told[0].parts[0].holds is False
    assert "after_success" in str(told[0])
    with pytest.raises(RocketdError, match="needs a zone"):
        app.session["asks"].why(datetime(2024, 1, 1))  # noqa: DTZ001 - the mistake


def test_why_and_records_speak_the_units_that_programs_give() -> None:
    """Instants are datetimes of the session's zone, whether they were given so or in seconds; None is for ever."""
    app = Rocketd(timezone="Europe/Berlin")
    app.task(time_of_day.between("10:00", "12:00") & after_success("other"), name="waits", code="pass")
    app.task(false, name="other", code="pass")
    noon = datetime(2026, 6, 1, 11, tzinfo=ZoneInfo("Europe/Berlin"))
    told = app.session["waits"].why(noon)
    hours, after = told.parts
    assert (hours.since, hours.until) == (noon.replace(hour=10), noon.replace(hour=12))
    assert hours.until is not None
    assert hours.until.utcoffset() == timedelta(hours=2)
    assert (after.holds, after.since, after.until) == (False, None, None)
    assert (told.task, told.at, told.holds, told.until) == ("waits", noon, False, None)
    assert told == app.session["waits"].why(noon.timestamp())


# -- only these tasks -------------------------------------------------------------------------------------------------


def test_session_run_runs_the_named_tasks_once_and_no_others() -> None:
    app = Rocketd(config=QUICK)
    ran = []
    for name in ("first", "second", "third"):
        app.task(true, name=name, func=lambda name=name: ran.append(name))
    app.session.run("first", "second", execution="main")
    assert sorted(ran) == ["first", "second"]
    assert app.session["first"].execution is None
    app.session.run("third", obey_cond=True)
    assert ran.count("third") == 1
    app.session["third"].start_cond = false
    app.session.run("third", obey_cond=True)
    assert ran.count("third") == 1


# -- hooks ------------------------------------------------------------------------------------------------------------


def test_hooks_are_called_around_the_start_the_stop_each_pass_and_each_run() -> None:
    app = Rocketd(config={**QUICK, "execution": "async"}, parameters={"name": "session"})
    seen: list[str] = []

    @app.session.hook_startup()
    def startup(name: object = Arg("name")) -> Generator[None, None, None]:
        seen.append(f"before the start of the {name}")
        yield
        seen.append("after the start")

    @app.session.hook_shutdown()
    async def shutdown() -> None:
        seen.append("stop")

    @app.session.hook_scheduler_cycle()
    def cycle() -> None:
        seen.append("pass")

    @app.session.hook_task_init()
    def init(task: object) -> Generator[None, tuple[object, ...], None]:
        seen.append(f"made {getattr(task, 'name', '')}")
        yield
        seen.append(f"in the session: {'fails' in app.session}")

    @app.session.hook_task_execute()
    def execute(task: object) -> Generator[None, tuple[object, ...], None]:
        seen.append(f"before {getattr(task, 'name', '')}")
        kind, *_ = yield
        seen.append(f"after, {kind and kind.__name__}")  # type: ignore[attr-defined]

    @app.task(daily)
    def fails() -> None:
        seen.append("fails")
        app.session.shut_down()
        raise ValueError

    run(app)
    without = [what for what in seen if what != "pass"]
    assert without[:3] == ["made fails", "in the session: True", "before the start of the session"]
    assert [what for what in without[3:] if "fails" in what or "Error" in what] == [
        "before fails",
        "fails",
        "after, ValueError",
    ]
    assert {"after the start", "stop"} < set(without[3:])
    assert "pass" in seen


def test_tasks_run_on_startup_and_on_shutdown() -> None:
    app = Rocketd(config=QUICK)
    seen = []

    @app.task(on_startup=True, on_shutdown=True)
    def both() -> None:
        seen.append("both")
        app.session.shut_down()

    @app.task(on_shutdown=True)
    def late() -> None:
        seen.append("late")

    run(app)
    assert sorted(seen) == ["both", "both", "late"]


def test_the_scheduler_stops_when_its_condition_holds() -> None:
    app = Rocketd(config={**QUICK, "shut_cond": (started("often").today >= 3)})

    @app.task(true)
    def often() -> None:
        pass

    run(app)
    assert actions(app, "often") == ["run", "success"] * 3


# -- groups -----------------------------------------------------------------------------------------------------------


def test_a_group_brings_its_tasks_parameters_prefix_condition_and_execution() -> None:
    app = Rocketd(config=QUICK)
    group = Grouper(prefix="maintain.", start_cond="true", execution="main")
    group.params(x="of the group")
    threads = []

    @group.task(daily)
    def first(x: str) -> str:
        threads.append(threading.get_ident())
        return x

    @group.task(after_success(first))
    def second() -> None:
        app.session.shut_down()

    app.include_grouper(group)
    assert str(app.session["maintain.first"].start_cond) == "daily & true"
    assert str(app.session["maintain.second"].start_cond) == 'after_success("maintain.first") & true'
    run(app)
    assert app.session.returns["maintain.first"] == "of the group"
    assert threads == [threading.get_ident()]
    assert app.session[first].name == "maintain.first"


# -- beside others ----------------------------------------------------------------------------------------------------


def test_two_applications_in_one_process_share_nothing() -> None:
    """The same names, on one loop, at the same time."""
    apps = [Rocketd(config=QUICK, parameters={"which": which}) for which in ("one", "two")]
    got: list[tuple[str, str]] = []
    for app in apps:

        def same(which: str) -> str:
            return which

        def stop(app: Rocketd = app) -> None:
            app.session.shut_down()

        app.task(daily, func=same)
        app.task(after_success("same"), func=stop)

    async def both() -> None:
        await asyncio.wait_for(asyncio.gather(*(app.serve() for app in apps)), 10)

    asyncio.run(both())
    got = [(app.session.returns["same"], app.session["same"].status) for app in apps]  # type: ignore[misc]
    assert got == [("one", "success"), ("two", "success")]
    assert all(actions(app, "same") == ["run", "success"] for app in apps)


def test_serve_stands_beside_a_server_and_stops_its_tasks_when_it_is_cancelled() -> None:
    app = Rocketd(config=QUICK)

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        app.session["asked"].run(value="from the server")
        writer.close()

    began = asyncio.Event()

    @app.task()
    async def asked(value: str) -> None:
        app.params(value=value)
        began.set()
        await asyncio.Event().wait()

    async def main() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        scheduler = asyncio.create_task(app.serve())
        await asyncio.sleep(0)
        _, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.close()
        await asyncio.wait_for(began.wait(), 10)
        scheduler.cancel()
        with pytest.raises(asyncio.CancelledError):
            await scheduler
        server.close()

    asyncio.run(main())
    assert app.session.parameters["value"] == "from the server"
    assert actions(app, "asked") == ["run", "crash"]


# -- options ----------------------------------------------------------------------------------------------------------


def test_options_are_checked_by_name_and_value() -> None:
    with pytest.raises(RocketdError, match="no option silence_task_prern") as caught:
        Rocketd(config={"silence_task_prern": True})
    assert caught.value.hint == "did you mean silence_task_prerun?"
    with pytest.raises(RocketdError, match="execution cannot be 'fork'"):
        Rocketd(config={"execution": "fork"})
    with pytest.raises(RocketdError, match="time_func is not supported"):
        Rocketd(config={"time_func": None})
    with pytest.warns(UserWarning, match="cycle_sleep has no effect: nothing polls"):
        app = Rocketd(config={"cycle_sleep": 0.1, "task_execution": "process"})
    assert app.session.config.execution == app.session.config.task_execution == "process"


def test_a_wrong_condition_is_told_where_it_is_written() -> None:
    app = Rocketd()
    with pytest.raises(ConditionError, match="hourley is not a condition"):
        app.task("hourley", name="wrong", code="pass")
    with pytest.raises(RocketdError, match="is not a condition"):
        app.task(7, name="wrong", code="pass")  # type: ignore[call-overload]


def test_a_traceback_shows_the_place_of_a_mistake_and_what_could_be_there() -> None:
    app = Rocketd()
    app.cond("is quiet")(lambda: True)
    with pytest.raises(ConditionError) as caught:
        app.task("daily & every olympiad", name="wrong", code="pass")
    assert caught.value.__notes__ == [caught.value.hint, "daily & every olympiad\n              ^^^^^^^^"]
    with pytest.raises(ConditionError) as caught:
        app.task("is quiet & every olympiad", name="wrong", code="pass")
    assert caught.value.__notes__ == [caught.value.hint]  # the place is one in another text
    with pytest.raises(RocketdError) as told:
        Rocketd(config={"executon": "thread"})
    assert told.value.__notes__ == ["did you mean execution?"]


def test_a_decorator_without_its_brackets_is_told() -> None:
    app = Rocketd()
    for decorator in (app.task, app.cond, app.param):
        with pytest.raises(RocketdError, match=r"is not (a condition|text|a name)") as caught:
            decorator(test_a_decorator_without_its_brackets_is_told)  # type: ignore[arg-type,call-overload]
        assert f"@app.{decorator.__name__}() above a function" in caught.value.hint
    assert not app.session.tasks


def test_what_starts_a_loop_of_its_own_says_so_where_one_is_running() -> None:
    """As in Jupyter."""
    app = Rocketd()
    app.task(name="task", code="pass")

    async def main() -> None:
        for start in (app.run, lambda: app.session.run("task")):
            with pytest.raises(RocketdError, match="a loop is running in this thread already") as caught:
                start()
            assert "await app.serve()" in caught.value.hint

    asyncio.run(main())


def test_a_task_is_refused_taken_replaced_or_renamed_if_its_name_is_taken() -> None:
    def session(how: str) -> Session:
        session = Session(config={"task_pre_exist": how})
        for code in ("1", "2"):
            session.create_task(name="same", code=code)
        return session

    with pytest.raises(KeyError, match="there is a task 'same' already"):
        session("raise")
    assert [task.body.code for task in session("ignore").tasks] == ["1"]  # type: ignore[attr-defined]
    assert [task.body.code for task in session("replace").tasks] == ["2"]  # type: ignore[attr-defined]
    assert [task.name for task in session("rename").tasks] == ["same", "same - 1"]


def test_a_hook_may_set_the_repository_by_the_logger_of_tasks() -> None:
    app, repo = Rocketd(config=QUICK), MemoryRepo(model=RunRecord)

    @app.setup()
    def set_up(logger: TaskLog = TaskLogger()) -> None:  # type: ignore[assignment]
        logger.set_repo(repo)

    app.task(daily, name="stop", func=app.session.shut_down)
    run(app)
    assert [record.action for record in repo.filter_by()] == ["run", "success"]  # type: ignore[attr-defined]


# -- logs -------------------------------------------------------------------------------------------------------------


def test_records_of_runs_go_to_the_standard_logger_with_their_fields(caplog: pytest.LogCaptureFixture) -> None:
    app = Rocketd(config={**QUICK, "task_logger_basename": "rocketd.task.test_fields"})

    @app.task(daily)
    def fails(log: object = TaskLogger()) -> None:
        assert isinstance(log, logging.LoggerAdapter)
        log.warning("by hand")
        app.session.shut_down()
        raise ValueError("no such thing")

    with caplog.at_level(logging.INFO):
        run(app)
    ours = [record for record in caplog.records if record.name == "rocketd.task.test_fields"]
    records = [record for record in ours if "action" in record.__dict__]
    assert [record.__dict__["action"] for record in records] == ["run", "fail"]
    assert [record.__dict__["task_name"] for record in ours] == ["fails"] * 3
    failed = records[-1]
    assert failed.levelno == logging.ERROR
    assert failed.exc_text is not None
    assert "ValueError: no such thing" in failed.exc_text
    assert failed.__dict__["run_id"] == records[0].__dict__["run_id"]
    assert (failed.__dict__["number"], failed.__dict__["attempt"], failed.__dict__["trigger"]) == (1, 1, "schedule")


def test_a_task_whose_records_lie_far_ahead_is_named(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    tomorrow = time.time_ns() // 1000 + DAY
    run_of_tomorrow = Run("ahead", 1, "id-1", 1, tomorrow, tomorrow, Trigger.SCHEDULE, "daily")
    store = SqliteStore(tmp_path)
    store.write([Started(run_of_tomorrow), Finished(run_of_tomorrow, End(Action.SUCCESS, Cause.EXIT, tomorrow))])
    store.close()
    app = Rocketd(config={**QUICK, "state_dir": tmp_path})
    app.task(false, name="ahead")(lambda: None)
    app.task(daily, name="fine")(app.session.shut_down)
    run(app)
    told = [record.message for record in caplog.records if "more than 3 h in the future" in record.message]
    assert len(told) == 1
    assert told[0].startswith("ahead: ")


def test_a_handler_that_is_slow_or_raises_hurts_nobody() -> None:
    class Bad(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            assert threading.current_thread().name == "logging", record
            raise OSError("the mail server is away")

    app = Rocketd(config={**QUICK, "task_logger_basename": "rocketd.task.test_bad"})
    logger = logging.getLogger("rocketd.task.test_bad")
    handler = Bad()
    logger.addHandler(handler)
    raising, logging.raiseExceptions = logging.raiseExceptions, False
    try:
        app.task(every("10 ms"), name="told", code="pass")
        app.task(succeeded("told"), name="stop", func=app.session.shut_down)
        run(app)
    finally:
        logger.removeHandler(handler)
        logging.raiseExceptions = raising
    assert "success" in actions(app, "told")


def test_a_task_that_is_taken_out_or_renamed_while_it_runs_goes_on_to_its_end() -> None:
    app = Rocketd(config=QUICK)
    going_on = threading.Event()

    @app.task(daily)
    def taken_out() -> None:
        going_on.wait(5)

    @app.task(daily)
    def renamed() -> None:
        going_on.wait(5)

    @app.task(running("taken_out") & running("renamed"))
    def changes() -> None:
        app.session.remove_task("taken_out")
        app.session["renamed"].name = "other"

    @app.task(after_success(changes))
    def then() -> None:
        going_on.set()
        app.session.shut_down()

    run(app)
    records = app.session.get_task_log()
    ended = {record.task_name for record in records if record.action == "success"}
    assert ended == {"taken_out", "renamed", "changes", "then", "other"}  # which has not run today
    assert app.session[renamed].name == "other"
    assert "renamed" not in app.session


def test_a_stop_that_comes_while_the_scheduler_starts_is_heeded() -> None:
    app = Rocketd(config=QUICK)

    @app.setup
    def changes_its_mind() -> None:
        app.session.shut_down()

    app.task(daily, name="never", code="pass")
    run(app)
    assert actions(app, "never") == []
