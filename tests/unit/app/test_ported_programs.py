"""What programs for Rocketry write by name: keywords, attributes that are left out, and cycles that they count."""

import re
import subprocess
import sys
from collections.abc import Callable

import pytest

import rocketd
from rocketd import Rocketd, Task, conds
from rocketd.app.compiler import TaskCompiler
from rocketd.app.counted_cycles import CYCLE, CountedCycles
from rocketd.conds import (
    cron,
    crontime,
    daily,
    every,
    finished,
    parse,
    retry,
    running,
    scheduler_cycles,
    time_of_day,
    weekly,
)
from rocketd.core.errors import ConditionError, RocketdError
from rocketd.core.instant import FOREVER, SECOND
from rocketd.core.model.condition import Condition


@pytest.mark.parametrize(
    ("written", "same"),
    [
        (every(past="10 min", based="finish"), every("10 min", "finish")),
        (retry(n=3), retry(3)),
        (daily.at(span="10:00"), daily.at("10:00")),
        (daily.on(span="10:00"), daily.at("10:00")),
        (weekly.on(span="Mon"), weekly.on("Mon")),
        (time_of_day.at(span="10:00"), time_of_day.at("10:00")),
        (running.more_than(delta="2 min"), running.more_than("2 min")),
        (running.less_than(delta="2 min"), running.less_than("2 min")),
        (running("x").between(more_than="1 min", less_than="2 min"), running("x").between("1 min", "2 min")),
        (running(task="x", more_than="2 min"), running("x").more_than("2 min")),
        (running(less_than="2 min"), running.less_than("2 min")),
        (running("x", more_than="1 min", less_than="2 min"), running("x").between("1 min", "2 min")),
        (cron(minute="*/5"), cron("*/5 * * * *")),
        (cron(minute="0", hour="9", day_of_week="1-5", within="1 h"), cron("0 9 * * 1-5", within="1 h")),
        (crontime(hour="8-17", day_of_month="1", month="2"), crontime("* 8-17 1 2 *")),
    ],
    ids=str,
)
def test_arguments_have_the_names_that_they_have_there(written: Condition, same: Condition) -> None:
    assert written == same
    assert str(written) == str(same)


@pytest.mark.parametrize("word", [cron, crontime])
@pytest.mark.parametrize(
    ("line", "fields", "message"),
    [
        (None, {}, "needs either a line or fields"),
        ("* * * * *", {"minute": "5"}, "needs either a line or fields"),
        (None, {"minutes": "5"}, "has no field minutes"),
        (None, {"minute": "61"}, "61"),
    ],
)
def test_a_line_and_its_fields_are_not_both_given(
    word: Callable[..., Condition], line: str | None, fields: dict[str, str], message: str
) -> None:
    with pytest.raises(ConditionError, match=message):
        word(line, **fields)


def test_what_a_task_returned_is_found_by_name_and_by_task() -> None:
    app = Rocketd()

    @app.task(daily)
    def fetch() -> int:
        return 5

    app.session.run("fetch")
    returns = app.session.returns
    assert [returns["fetch"], returns[app.session["fetch"]], returns[fetch]] == [5, 5, 5]  # type: ignore[index]
    for other in ("other", app.session.create_task(code="pass", name="other")):
        with pytest.raises(KeyError, match="other"):
            returns[other]  # type: ignore[index]


@pytest.mark.parametrize(
    ("attribute", "instead"),
    [
        ("session.task_exists", "name in session"),
        ("session.get_task_loggers", "session.get_task_log()"),
        ("session.delete_task_loggers", "session.get_task_log()"),
        ("session.get_cond_parsers", "app.cond("),
        ("session.scheduler", "session.shut_down()"),
        ("session.config.dict", "vars(session.config)"),
        ("session.config.time_func", "session.simulate()"),
        ("set_logger", "logging.getLogger("),
        ("task.func", "create another one"),
        ("task.execute", "task.run()"),
        ("task.set_running", "task.run()"),
        ("task.is_alive_as_main", "task.n_alive"),
        ("task.observe", "task.why()"),
    ],
)
def test_whoever_asks_for_what_is_left_out_is_told_what_to_write(attribute: str, instead: str) -> None:
    app = Rocketd()
    found: object = app.session.create_task(code="pass", name="task") if attribute.startswith("task.") else app
    *path, last = attribute.removeprefix("task.").split(".")
    for name in path:
        found = getattr(found, name)
    assert not hasattr(found, "nothing_of_that_name")
    with pytest.raises(AttributeError, match=rf"has no attribute '{last}': .*{re.escape(instead)}"):
        getattr(found, last)


@pytest.mark.parametrize(
    ("condition", "cycles", "wanted"),
    [
        (scheduler_cycles(more_than=3), 3, 5 * SECOND + CYCLE),
        (scheduler_cycles(more_than=3), 4, FOREVER),
        (scheduler_cycles(less_than=3), 2, 5 * SECOND + CYCLE),
        (scheduler_cycles(less_than=3), 3, FOREVER),
        (~scheduler_cycles(less_than=3) & finished("x") | daily, 2, 5 * SECOND + CYCLE),
        (daily, 0, FOREVER),
    ],
    ids=str,
)
def test_there_are_as_many_cycles_as_conditions_ask_for(condition: Condition, cycles: int, wanted: int) -> None:
    app = Rocketd()
    app.task(condition, name="task", code="pass")
    app.task(daily, name="other", code="pass")
    compiled = [TaskCompiler(app.session.config).compile(task) for task in app.session.tasks]
    assert CountedCycles(compiled).next_pass(5 * SECOND, cycles) == wanted


def test_a_splay_may_be_drawn_for_each_run() -> None:
    app = Rocketd()
    app.task(daily, name="a", code="pass", splay={"most": "10 min", "each": "run"})
    app.task(daily, name="b", code="pass", splay={"most": 60})
    app.task(daily, name="c", code="pass", splay="1 min")
    compiled = [TaskCompiler(app.session.config).compile(task) for task in app.session.tasks]
    assert [(task.splay, task.splay_each_run) for task in compiled] == [
        (600 * SECOND, True),
        (60 * SECOND, False),
        (60 * SECOND, False),
    ]


@pytest.mark.parametrize(
    ("written", "both"),
    [
        ('(started("x").today > 1) < 5', '(started("x").today > 1) & (started("x").today < 5)'),
        ("(started.today >= 1) < 5", "started.today & (started.today < 5)"),
        ("(running > 1) != 3", "(running > 1) & (running != 3)"),
        ('(failed.past("2h") > 1) < 3', '(failed.past("2h") > 1) & (failed.past("2h") < 3)'),
        ("(started.this_boot >= 2) <= 4", "(started.this_boot >= 2) & (started.this_boot <= 4)"),
    ],
)
def test_a_second_bound_adds_to_the_first(written: str, both: str) -> None:
    assert str(parse(f"({written})")) == both
    assert eval(written, vars(conds)) == parse(both)  # noqa: S307 - our own words


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("conds.daily.observe()", "task.why()"),
        ("(conds.daily & conds.after_success('a')).observe(session=app.session)", "session.simulate()"),
        ("conds.started.get_state()", "task.why()"),
        ("conds.time_of_day.get_cond()", "task.why()"),
        ("app.session.get_current_time()", "astimezone"),
        ("app.session.parameters.materialize()", "dict(parameters)"),
        ("app.session.config.cycle_sleep", "has no effect"),
        ("app.session['a'].force_run", "task.run()"),
        ("app.session['a'].log_running()", "writes all records"),
        ("app.session['a'].logger.handle(1)", "writes all records"),
        ("app.session['a'].logger.addHandler(1)", 'getLogger("rocketd.task")'),
        ("app.session['a'].get_func()", "create another one"),
        ("app.session['a'].dict()", "not a model"),
        ("app.session['a'].model_dump()", "task.status"),
        ("app.session['a'].__fields__", "not a model"),
        ("app.session.json()", "not a model"),
        ("app.session.config.dict()", "vars(session.config)"),
        ("app.session.config.copy(update={'execution': 'main'})", "dataclasses.replace(session.config)"),
        ("app.session.config.schema()", "vars(session.config)"),
        ("app.session.parameters.dict()", "dict(parameters)"),
        ("app.session.parameters.copy()", "dict(parameters)"),
        ("app.shut_down()", "app.session.shut_down"),
        ("app.config", "app.session.config"),
        ("app.get_task('a')", "app.session.get_task"),
        ("rocketd.session", "from rocketd import Session, Config"),
        ("rocketd.core.Scheduler()", "session.shut_down()"),
        ("rocketd.core.BaseCondition", "@app.cond()"),
        ("rocketd.core.task.Task", "from rocketd import Task"),
        ("rocketd.tasks.FuncTask", "app.task()"),
    ],
)
def test_an_attribute_that_is_left_out_says_what_to_write(asked: str, told: str) -> None:
    app = Rocketd()
    app.task("false", name="a", func=print)
    with pytest.raises(AttributeError, match=re.escape(told)):
        eval(asked, {"app": app, "conds": conds, "rocketd": rocketd})  # noqa: S307 - our own words


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("from rocketd import FuncTask", "app.task()"),
        ("from rocketd.tasks import CommandTask", "session.create_task()"),
        ("from rocketd.conditions import TaskStarted", "rocketd.conds"),
        ("import rocketd.conditions.api", "rocketd.conds"),
        ("from rocketd.time import TimeOfDay", "time_of_day"),
        ("from rocketd.session import Config", "from rocketd import Session, Config"),
        ("from rocketd.exc import TaskLoggingError", "StoreError"),
        ("from rocketd import Rocketry", "from rocketd import Rocketd"),
        ("from rocketd import session", "from rocketd import Session, Config"),
        ("from rocketd.core import Task, BaseCondition", "from rocketd import Task"),
        ("from rocketd.core import BaseArgument", "from rocketd.args import BaseArgument"),
        ("from rocketd.core.condition.base import AlwaysTrue", "@app.cond()"),
        ("from rocketd.core.parameters import Parameters", "app.params()"),
        ("from rocketd.testing.log import create_task_record", "session.simulate()"),
    ],
)
def test_an_import_that_is_left_out_says_what_to_write(line: str, told: str) -> None:
    with pytest.raises(ImportError, match=re.escape(told)):
        exec(line)  # noqa: S102 - our own line


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("from rocketd.tasks import FuncTask", "app.task()"),
        ("from rocketd.core import BaseCondition", "@app.cond()"),
        ("import rocketd; rocketd.conditions.true", "rocketd.conds"),
    ],
)
def test_the_first_line_of_a_program_is_told_as_well(line: str, told: str) -> None:
    done = subprocess.run([sys.executable, "-c", line], capture_output=True, text=True, timeout=60, check=False)
    assert told in done.stderr.splitlines()[-1]


def test_a_package_can_be_asked_for_a_name_that_is_left_out() -> None:
    assert not hasattr(rocketd, "FuncTask")
    assert not hasattr(rocketd.core, "Task")


def test_a_task_is_not_called_and_stands_above_no_function() -> None:
    app = Rocketd()
    with pytest.raises(RocketdError, match=r"task\.run\(\) starts it"):
        app.session.create_task(code="pass", name="first")(5)  # type: ignore[operator]
    with pytest.raises(RocketdError, match="not above a function"):

        @app.task(daily, name="second", command=["true"])  # type: ignore[operator]
        def second() -> None: ...


@pytest.mark.parametrize(
    ("name", "told"),
    [("force_termination", "task.terminate()"), ("logger_name", "task_logger_basename"), ("colour", "allowed are")],
)
def test_setting_what_is_left_out_says_what_to_write(name: str, told: str) -> None:
    app = Rocketd()
    task = app.session.create_task(code="pass", name="first")
    with pytest.raises(RocketdError, match=re.escape(told)):
        setattr(task, name, True)
    with pytest.raises(RocketdError, match=re.escape(told)):
        app.session.create_task(code="pass", name="second", **{name: True})  # type: ignore[arg-type]


def test_a_task_of_a_class_of_ones_own_is_refused_with_what_to_write() -> None:
    with pytest.raises(RocketdError, match=r"@app\.task\(\)"):
        type("Custom", (Task,), {"execute": print})


def test_what_has_never_been_there_is_not_there() -> None:
    assert not hasattr(conds.daily, "anything")
    with pytest.raises(ImportError, match="cannot import name 'Nothing'"):
        exec("from rocketd.exc import Nothing")  # noqa: S102 - as above
    with pytest.raises(ModuleNotFoundError, match=r"No module named 'rocketd\.nothing'"):
        exec("import rocketd.nothing")  # noqa: S102 - as above
