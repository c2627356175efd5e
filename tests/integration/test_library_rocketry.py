"""Programs as they are written for Rocketry: what they say means here what it means there."""

import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from rocketd import Grouper, Rocketd
from rocketd.args import Arg, Argument, BaseArgument, Task, TerminationFlag, argument
from rocketd.conds import condition, daily, every, false, true
from rocketd.core.errors import StoreError
from rocketd.log import MinimalRecord, RunRecord
from rocketd.repos import CSVFileRepo
from support.application import run

QUICK = {"restart_delay": 0}


def stopping(app: Rocketd, *, passes: int = 3) -> None:
    """Have it stop after some looks at a condition of its own: whatever is due has begun by then."""
    looks = iter(range(passes))
    app.cond("looked long enough", every="20 ms")(lambda: next(looks, None) is None)
    app.task("looked long enough", name="stop", func=app.session.shut_down, execution="main")


# -- conditions as text --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "text", "read"),
    [
        (r"is foo in (?P<place>.+)", "every 100 s & is foo in house & false", 'every("1min 40s") & {house} & false'),
        (r"is foo in (?P<place>.+)", "(is foo in house | false) & daily", "({house} | false) & daily"),
        (r"is foo in (?P<place>.+)", "~(daily | is foo in a b)", "~(daily | {a b})"),
        (r"is foo in (?P<place>.+)", "is foo in 'a & b' & daily", "{'a & b'} & daily"),
        (r"is foo in '(?P<place>.+)'", "is foo in 'a' & ~is foo in 'b'", "{a} & ~{b}"),
        (r"lies in \((?P<place>[a-z]+)\)", "daily & lies in (house)", "daily & {house}"),
        (r"is (?P<place>foo|bar)", "is bar | daily", "{bar} | daily"),
    ],
)
def test_a_pattern_means_one_piece_of_a_text_and_no_more(pattern: str, text: str, read: str) -> None:
    app = Rocketd()

    @app.cond(re.compile(pattern))
    def is_there(place: str) -> bool:
        return bool(place)

    app.task(text, name="task", code="pass")
    spelled = re.sub(r"[\w.<>]+is_there\(place=(\"|')(.*?)\1\)", r"{\2}", str(app.session["task"].start_cond))
    assert spelled == read


def test_a_pattern_of_choices_and_one_with_flags() -> None:
    app = Rocketd()
    holds = app.cond([re.compile("is foo|is bar"), re.compile("has it", re.IGNORECASE), "is quiet (here)"])(
        lambda: True
    )
    for text in ("daily & is bar", "daily & Has It", "daily & is quiet (here)"):
        assert app.session.condition(text) == daily & holds


def test_a_task_named_like_a_text_stays_a_task() -> None:
    app = Rocketd()
    app.cond("is bar")(lambda: True)
    assert str(app.session.condition("after task 'is bar' & daily")) == 'after_success("is bar") & daily'


def test_the_text_env_asks_for_the_session(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("prod", "1")
    came: list[str] = []
    app = Rocketd(config=QUICK)
    app.session.env = "test"
    group = Grouper(start_cond="env 'test'")
    app.task("every 1 day & env 'test'", name="yes", func=lambda: came.append("yes"))
    app.task('every 1 day & env "prod"', name="no", func=lambda: came.append("no"))
    group.task(daily, name="grouped", func=lambda: came.append("grouped"))
    app.include_grouper(group)
    stopping(app, passes=30)
    run(app)
    assert sorted(came) == ["grouped", "yes"]


def test_true_and_false_are_conditions() -> None:
    app = Rocketd()
    app.task(True, name="always", code="pass")  # noqa: FBT003 - a condition
    app.task(False, name="never", code="pass", end_cond=True)  # noqa: FBT003 - as above
    assert (app.session["always"].start_cond, app.session["never"].start_cond) == (true, false)
    assert app.session["never"].end_cond == true


# -- the start -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("execution", ["main", "async"])
def test_what_runs_at_the_start_has_ended_before_anything_else_begins(execution: str) -> None:
    app = Rocketd(config={**QUICK, "execution": execution})
    told: list[str] = []
    ready = threading.Event()

    @app.task(every("1 day"))
    def work() -> None:
        told.append("work")
        app.session.shut_down()

    @app.task(on_startup=True, priority=-1)
    def prepare() -> None:
        told.append("begins")
        ready.wait(0.2)
        told.append("ends")

    run(app)
    assert told == ["begins", "ends", "work"]


def test_what_goes_on_at_the_start_has_at_least_begun() -> None:
    app = Rocketd(config=QUICK)
    stop = threading.Event()

    @app.task(every("1 day"))
    def work() -> None:
        app.session.shut_down()

    @app.task(on_startup=True, execution="thread", priority=-1)
    def goes_on(flag: object = TerminationFlag()) -> None:
        assert isinstance(flag, threading.Event)
        stop.wait(5)

    app.session.hook_shutdown()(stop.set)
    run(app)
    assert [record.task_name for record in app.session.get_task_log(action="run")] == ["goes_on", "work"]


def test_a_task_for_the_start_that_is_removed_holds_nobody_up() -> None:
    app = Rocketd(config=QUICK)
    app.task(every("1 day"), name="work", func=app.session.shut_down)

    @app.task(on_startup=True)
    def removes_itself() -> None:
        app.session.remove_task("removes_itself")
        app.session["work"].priority = 1
        threading.Event().wait(0.1)

    run(app)


# -- arguments -----------------------------------------------------------------------------------------------------


def test_the_task_is_known_to_the_arguments_of_a_condition_however_deep() -> None:
    app = Rocketd(config=QUICK)
    asked: list[str] = []

    @argument()
    def own_name(task: object = Task()) -> object:
        return task.name  # type: ignore[attr-defined]

    @argument()
    def deeper(name: object = own_name) -> object:
        return name

    @app.param("whose")
    def whose(task: object = Task()) -> object:
        return task.name  # type: ignore[attr-defined]

    @condition(every="10 ms")
    def is_first(name: object = deeper, whose: object = None, given: object = Arg("whose")) -> bool:
        asked.append(f"{name} {whose} {given}")
        return name == "first"

    app.task(every("1 day") & is_first, name="first", func=app.session.shut_down)
    app.task(every("1 day") & is_first, name="second", code="pass")
    run(app)
    assert {"first first first"} <= {*asked} <= {"first first first", "second second second"}
    assert app.session["second"].status is None


def test_an_argument_of_ones_own_asks_another_one() -> None:
    app = Rocketd(config=QUICK)
    app.params(q=2)

    class Doubled(BaseArgument):
        def get_value(self, task: object = None, **about: object) -> object:
            return 2 * Arg("q").get_value(task=task, **about)  # type: ignore[operator, arg-type]

    @app.param("v")
    def v() -> int:
        return 5

    got: list[object] = []

    @app.task(every("1 day"))
    def work(doubled: object = Doubled(), by_function: object = Arg(v)) -> None:
        got.extend([doubled, by_function])
        app.session.shut_down()

    run(app)
    assert got == [4, 5]
    with pytest.raises(TypeError, match="needs the session"):
        Arg("q").get_value()
    with pytest.raises(TypeError, match="has no get_value"):
        Argument().get_value(session=app.session)


def test_functions_get_what_rocketry_gives_them_by_name() -> None:
    app = Rocketd(config=QUICK)
    got: list[object] = []

    @app.task(every("1 day"))
    def work(_session_: object, _task_: object, _thread_terminate_: object) -> None:
        got.extend([_session_, _task_, _thread_terminate_])
        app.session.shut_down()

    run(app)
    assert got[:2] == [app.session, app.session["work"]]
    assert isinstance(got[2], threading.Event)


def test_options_of_a_task_by_their_old_names() -> None:
    app = Rocketd()
    with pytest.warns(UserWarning, match="func_run_id has no effect"):
        app.task(daily, name="a", code="pass", permanent_task=True, func_run_id=lambda: "x")
    assert app.session["a"].permanent


# -- repositories --------------------------------------------------------------------------------------------------


def csv_app(path: Path, model: type = MinimalRecord) -> Rocketd:
    app = Rocketd(config=QUICK)
    repo = CSVFileRepo(model=model, filename=path)
    if not path.exists():
        repo.create()
    app.session.set_repo(repo)
    app.task(daily, name="first", code="pass")
    app.task(daily, name="second", code="pass")
    app.task("after tasks 'first', 'second'", name="stop", func=app.session.shut_down)
    return app


@pytest.mark.parametrize("half", ["first,succ", "first,success,1795891530.49", 'first,"succ\n', "x"])
def test_half_a_last_line_is_moved_aside(half: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "log.csv"
    run(csv_app(path))
    whole = path.read_text()
    path.write_text(whole + half)
    app = csv_app(path)
    app.session["stop"].run()
    run(app)
    assert path.read_text().startswith(whole)
    assert path.read_text().count("\n") == whole.count("\n") + 2
    assert (tmp_path / "log.csv.half").read_text() == f"{half}\n"
    assert "ended in half a record" in caplog.text


def test_a_file_with_other_columns_is_told_of(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    old = "task_name,action,created,name,msg\nfirst,run,1795891530.5,rocketry.task,\n"
    path.write_text(old)
    with pytest.raises(StoreError, match="has other columns than RunRecord: task_name, action, created, name, msg"):
        run(csv_app(path, RunRecord))
    assert path.read_text() == old


@pytest.mark.parametrize(
    "first", ["import redbird.repos", "from redbird.repos import SQLRepo", "import redbird.logging"]
)
def test_red_bird_may_be_imported_first(first: str) -> None:
    program = (
        f"{first}\nimport rocketd.log\nfrom redbird.repos import MemoryRepo\nMemoryRepo(model=rocketd.log.RunRecord)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
