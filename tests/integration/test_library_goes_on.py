"""What an application knows of its earlier lives from its repository alone: no state directory, kill -9 in between.

One program, in a process of its own for each life that ends by a kill; every repository, every model of a record.
"""

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from rocketd import Rocketd
from rocketd.conds import after_success, daily, every
from rocketd.log import LogRecord, MinimalRecord, RunRecord, TaskLogRecord
from rocketd.repos import CSVFileRepo, MemoryRepo, RunRepo
from rocketd.store.redbird.compat import BaseRepo
from support.application import run

QUICK = {"restart_delay": 0}

PROGRAM = """
import os, signal, sys
from pathlib import Path
from rocketd import Rocketd
from rocketd.args import Session
from rocketd.conds import *
from rocketd import log
from rocketd.repos import CSVFileRepo, JSONDirectoryRepo, RunRepo, SQLRepo

kind, model, life = sys.argv[1], getattr(log, sys.argv[2]), int(sys.argv[3])


def repository():
    if kind == "csv":
        repo = CSVFileRepo(model=model, filename="log.csv")
        if not Path("log.csv").exists():
            repo.create()
        return repo
    if kind == "json":
        Path("json").mkdir(exist_ok=True)
        return JSONDirectoryRepo(model=model, path=Path("json"), id_field="id")
    if kind == "own":
        return RunRepo("sqlite:///own.db")
    from sqlalchemy import create_engine
    key = "id" if "id" in model.__fields__ else "created"
    engine = create_engine("sqlite:///log.db")
    return SQLRepo(model=model, table="log", engine=engine, id_field=key, if_missing="create")


app = Rocketd(config={"restart_delay": 0, "execution": "main"})
app.session.set_repo(repository())
signal.alarm(20)


def ran(name):
    with open("ran", "a") as file:
        print(life, name, file=file)


@app.cond(every="50 ms")
def gate():
    return life == 2


@app.task(daily)
def good():
    ran("good")


@app.task(daily)
def bad():
    ran("bad")
    raise ValueError


@app.task(every("1 day"))
def regular():
    ran("regular")


@app.task((daily | retry(1)))
def tried():
    ran("tried")
    raise ValueError


FOLLOWERS = {
    "success": after_success("good"),
    "fail": after_fail("bad"),
    "finish": after_finish("good"),
    "all": after_all_success("good", "regular"),
    "any": after_any_fail("bad", "good"),
    "text": "after task 'good' finished",
    "killed": after_fail("killer"),
    "not_yet": after_success("bad"),
}
for name, condition in FOLLOWERS.items():
    task = app.task(condition, name=name, func=lambda name=name: ran(name))
    task.start_cond &= gate


@app.task(after_all_finish("good", "bad", "regular") & (failed("tried").today == 2))
def killer():
    ran("killer")
    os.kill(os.getpid(), signal.SIGKILL)


@app.task(after_all_finish(*[name for name in FOLLOWERS if name != "not_yet"]))
def stop(session=Session()):
    session.shut_down()


app.run()

"""

HELD_BACK = {"success", "fail", "finish", "all", "any", "text", "killed"}
"""What waits in the first life for what happened in it."""


def live(directory: Path, kind: str, model: str, life: int) -> int:
    """Run the program to its end, and tell its exit status."""
    call = [sys.executable, "-c", PROGRAM, kind, model, str(life)]
    return subprocess.run(call, cwd=directory, timeout=60, check=False).returncode


def ran(directory: Path, life: int) -> list[str]:
    """What ran in that life, by the tasks' own word."""
    told = [line.split() for line in (directory / "ran").read_text().splitlines()]
    return [name for number, name in told if int(number) == life]


@pytest.mark.parametrize(
    ("kind", "model"),
    [
        *((kind, model) for kind in ("csv", "sql") for model in ("MinimalRecord", "LogRecord", "TaskLogRecord")),
        *((kind, "RunRecord") for kind in ("csv", "json", "sql", "own")),
        ("csv", "MinimalRunRecord"),
        ("csv", "TaskRunRecord"),
    ],
)
def test_what_waited_runs_after_a_kill_and_what_has_run_does_not(kind: str, model: str, tmp_path: Path) -> None:
    """The program kills itself in a task: the start of that is in the repository, as all before it."""
    assert live(tmp_path, kind, model, 1) == -signal.SIGKILL
    first = ran(tmp_path, 1)
    assert {*first} == {"good", "bad", "regular", "tried", "killer"}
    assert live(tmp_path, kind, model, 2) == 0
    second = ran(tmp_path, 2)
    assert sorted(name for name in second if name != "tried") == sorted(HELD_BACK)
    assert [*first, *second].count("tried") == 2


def follower(repo: BaseRepo, gate: list[bool], came: list[str]) -> Rocketd:
    """An application whose second task waits for the first, and for a gate."""
    app = Rocketd(config=QUICK)
    app.session.set_repo(repo)

    @app.cond(every="10 ms")
    def is_open() -> bool:
        return bool(gate)

    app.task(daily, name="first", func=lambda: came.append("first"))
    app.task(after_success("first") & is_open, name="second", func=lambda: came.append("second"))
    app.task(after_success("second" if gate else "first"), name="stop", func=app.session.shut_down)
    return app


@pytest.mark.parametrize("kind", ["csv", "memory", "own"])
def test_what_waited_runs_after_a_clean_stop_in_a_second_application(kind: str, tmp_path: Path) -> None:
    made: dict[str, Callable[[], BaseRepo]] = {
        "csv": lambda: CSVFileRepo(model=MinimalRecord, filename=tmp_path / "log.csv"),
        "memory": lambda: MemoryRepo(model=RunRecord),
        "own": lambda: RunRepo(f"sqlite:///{tmp_path}/log.db"),
    }
    repo = made[kind]()
    if kind == "csv":
        repo.create()  # type: ignore[attr-defined]  # a file
    came: list[str] = []
    run(follower(repo, [], came))
    assert came == ["first"]
    run(follower(repo, [True], came))
    assert came == ["first", "second"]


@pytest.mark.parametrize("model", [MinimalRecord, LogRecord, TaskLogRecord])
def test_what_waits_in_a_log_that_another_program_wrote_runs(model: type) -> None:
    repo = MemoryRepo(model=model)
    for created, action in ((1_790_000_000.0, "run"), (1_790_000_001.0, "success")):
        repo.add(model(task_name="first", action=action, created=created))
    came: list[str] = []
    app = follower(repo, [True], came)
    app.session["first"].disabled = True
    run(app)
    assert came == ["second"]


def test_what_ran_on_other_hosts_has_run() -> None:
    """A new container has a new name; each host has numbered the runs of a task from 1."""
    repo = MemoryRepo(model=RunRecord)
    now = time.time()
    for place, host in enumerate(("one", "two")):
        for later, action in enumerate(("run", "success")):
            created = now - 1 + place / 10 + later / 100
            record = RunRecord(task_name="first", action=action, created=created, run_id=host, host=host)
            repo.add(record.copy(update={"id": 2 * place + later + 1, "number": 1, "attempt": 1}))
    came: list[str] = []
    app = follower(repo, [True], came)
    run(app)
    assert came == ["second"]
    assert [record.number for record in app.session["first"].logger.get_records()] == [1, 1, 1, 1]
    app.session["first"].run()
    app.session["second"].disabled = True
    app.session["stop"].start_cond = after_success("first")
    run(app)
    assert app.session["first"].logger.get_latest().number == 3


def test_a_task_that_is_new_waits_for_its_next_tick() -> None:
    """Its ticks of the time before the program knew it are none of its own."""
    repo = MemoryRepo(model=MinimalRecord)
    for created, action in ((1_790_000_000.0, "run"), (1_790_000_001.0, "success")):
        repo.add(MinimalRecord(task_name="first", action=action, created=created))
    came: list[str] = []
    app = follower(repo, [True], came)
    app.task("cron 0 0 1 1 *", name="new", func=lambda: came.append("new"))
    app.session["first"].disabled = True
    run(app)
    assert came == ["second"]


def test_the_start_is_in_the_repository_before_the_task_begins_and_its_end_before_others_learn_of_it() -> None:
    app = Rocketd(config={**QUICK, "execution": "main"})
    repo = MemoryRepo(model=RunRecord)
    app.session.set_repo(repo)
    seen: list[list[str]] = []

    def look() -> None:
        seen.append([f"{record.task_name} {record.action}" for record in repo.filter_by()])  # type: ignore[attr-defined]

    app.task(every("1 day"), name="first", func=look)
    app.task(after_success("first"), name="second", func=look)
    app.task(after_success("second"), name="stop", func=app.session.shut_down)
    run(app)
    assert seen == [["first run"], ["first run", "first success", "second run"]]


def test_a_condition_that_stops_the_scheduler_knows_of_this_life_only(tmp_path: Path) -> None:
    """Else each start but the first would stop at once."""
    came: list[None] = []
    for _ in range(2):
        app = Rocketd(config=QUICK, state_dir=tmp_path, shut_cond=after_success("works"))
        asked = iter([False, False, True])
        is_time = app.cond("is time", every="10 ms")(lambda asked=asked: next(asked, True))
        app.task(is_time, name="works", restart_delay="1 h", func=lambda: came.append(None))
        run(app)
    assert len(came) >= 2  # the condition holds on, so that it may run once more before the stop
