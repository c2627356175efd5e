"""What an application knows of its earlier lives from its repository alone: no state directory, kill -9 in between.

One program, in a process of its own for each life that ends by a kill. Every repository with every model of a record
takes minutes: ROCKETD_KILLS=all, as in `make kill`; else some of them.
"""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from rocketd import Rocketd
from rocketd.conds import after_success, daily, every
from rocketd.log import LogRecord, MinimalRecord, RunRecord, TaskLogRecord
from rocketd.repos import CSVFileRepo, MemoryRepo, RunRepo
from rocketd.store.redbird.compat import BaseRepo
from support.application import run
from support.servers.postgres_server import postgres_server

QUICK = {"restart_delay": 0}

PROGRAM = """
import asyncio, os, signal, sys, time
from pathlib import Path
from rocketd import Rocketd
from rocketd.args import Session
from rocketd.conds import *
from rocketd.exc import TaskInactionException
from rocketd import log
from rocketd.repos import CSVFileRepo, JSONDirectoryRepo, RunRepo, SQLRepo

kind, model, life = sys.argv[1], getattr(log, sys.argv[2], None), int(sys.argv[3])


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
    engine = create_engine("sqlite:///log.db" if kind == "sql" else kind)
    return SQLRepo(model=model, table="log", engine=engine, id_field=key, if_missing="create")


state = "state" if "state" in sys.argv[4:] else None
ticks = "ticks" in sys.argv[4:]
app = Rocketd(config={"restart_delay": 0, "execution": "main", "state_dir": state, "timezone": "UTC"})
if kind != "none":
    app.session.set_repo(repository())
signal.alarm(40)


def ran(name):
    with open("ran", "a") as file:
        print(life, name, file=file)


@app.cond(every="50 ms")
def gate():
    return life == 2


for name, condition in {
    "good": daily,
    "regular": every("1 day"),
    "hour": hourly,
    "week": weekly,
    "month": monthly,
    "counted": (started.today < 3),
    "once": ~started,
}.items():
    app.task(condition, name=name, func=lambda name=name: ran(name))


@app.task(daily)
def bad():
    ran("bad")
    raise ValueError


@app.task(daily | retry(1))
def tried():
    ran("tried")
    raise ValueError


@app.task((failed.today < 2))
def fails():
    ran("fails")
    raise ValueError


@app.task(daily)
def idle():
    ran("idle")
    raise TaskInactionException


@app.task(daily, timeout="100 ms")
async def slow():
    ran("slow")
    await asyncio.sleep(60)


@app.task(daily)
async def cut_off():
    ran("cut_off")
    await asyncio.sleep(60 if life == 1 else 0)


@app.task(daily | retry(1))
async def tried_and_cut_off():
    ran("tried_and_cut_off")
    if app.session["bad"].last_fail and Path("tried_before").exists():
        await asyncio.sleep(60)
    Path("tried_before").touch()
    raise ValueError


FOLLOWERS = {
    "success": after_success("good"),
    "fail": after_fail("bad"),
    "finish": after_finish("good"),
    "all": after_all_success("good", "regular"),
    "any": after_any_fail("bad", "good"),
    "text": after_finish("good"),
    "timeout": after_fail("slow"),
    "killed": after_fail("killer"),
    "not_yet": after_success("bad"),
    "not_running": running("tried_and_cut_off"),
    "none_today": (failed("good").today >= 1),
}
for name, condition in FOLLOWERS.items():
    task = app.task(condition, name=name, func=lambda name=name: ran(name))
    task.start_cond &= gate


everything_ran = after_all_finish("good", "bad", "regular", "hour", "week", "month", "idle", "slow", "once")
all_went_on = after_all_finish("success", "fail", "finish", "all", "any", "text", "timeout", "killed")
if ticks:
    file = Path("tick")
    if life == 1:
        file.write_text(str(int(time.time() + 2.5)))
    at = time.gmtime(int(file.read_text()))
    line = cron(f"{at.tm_sec} {at.tm_min} {at.tm_hour} {at.tm_mday} {at.tm_mon} *")
    day = calendar(f"{at.tm_year}-{at.tm_mon}-{at.tm_mday} {at.tm_hour}:{at.tm_min}:{at.tm_sec}")
    app.task(line, name="ticked", func=lambda: ran("ticked"))
    app.task(day, name="dated", func=lambda: ran("dated"))
    app.task(~started | (line & gate), name="tick_held", func=lambda: ran("tick_held"))
    app.task(~started | (day & gate), name="date_held", func=lambda: ran("date_held"))
    app.task(line & gate, name="first_tick_held", func=lambda: ran("first_tick_held"))

    @app.task(line)
    async def tick_cut_off():
        ran("tick_cut_off")
        await asyncio.sleep(60 if life == 1 else 0)

    everything_ran &= after_all_finish("ticked", "dated", "tick_held", "date_held") & running("tick_cut_off")
    all_went_on &= after_all_finish("tick_held", "date_held")
    if state:
        all_went_on &= after_finish("first_tick_held")


@app.task(
    everything_ran
    & running("cut_off") & running("tried_and_cut_off") & (started("tried_and_cut_off").today >= 2)
    & (failed("tried").today == 2) & (failed("fails").today == 2) & (succeeded("counted").today == 3)
)
def killer():
    ran("killer")
    os.kill(os.getpid(), signal.SIGKILL)


@app.task(all_went_on & succeeded("cut_off"))
def stop(session=Session()):
    session.shut_down()


app.run()
"""

HELD_BACK = {"success", "fail", "finish", "all", "any", "text", "timeout", "killed"}
"""What waits in the first life for what happened in it."""
FIRST = {
    **dict.fromkeys(
        ("good", "bad", "regular", "hour", "week", "month", "once", "idle", "slow", "cut_off", "killer"), 1
    ),
    **dict.fromkeys(("tried", "fails", "tried_and_cut_off"), 2),
    "counted": 3,
}
"""How often each task runs in the life that ends by the kill."""
SECOND = {**dict.fromkeys(HELD_BACK, 1), "cut_off": 1}
"""What runs in the life after it: what waited, and what was cut off; nothing that had ended."""
FIRST_TICKS = dict.fromkeys(("ticked", "dated", "tick_held", "date_held", "tick_cut_off"), 1)
SECOND_TICKS = dict.fromkeys(("tick_held", "date_held"), 1)
"""The same of the words for ticks. A task that never ran knows its ticks from the state directory only."""


def live(directory: Path, kind: str, model: str, life: int, *options: str) -> int:
    """Run the program to its end, and tell its exit status."""
    call = [sys.executable, "-c", PROGRAM, kind, model, str(life), *options]
    return subprocess.run(call, cwd=directory, timeout=60, check=False).returncode


def ran(directory: Path, life: int) -> Counter[str]:
    """How often each task ran in that life, by the tasks' own word."""
    told = [line.split() for line in (directory / "ran").read_text().splitlines()]
    return Counter(name for number, name in told if int(number) == life)


MODELS = ("MinimalRecord", "LogRecord", "TaskLogRecord", "RunRecord", "MinimalRunRecord", "TaskRunRecord")
FILES = [
    *(("csv", model) for model in MODELS),
    *(("sql", model) for model in MODELS[:4]),
    ("json", "RunRecord"),
    ("own", "RunRecord"),
]
CASES = [
    *((kind, model, ()) for kind, model in FILES),
    *((kind, model, ("state",)) for kind, model in FILES if model in ("RunRecord", "MinimalRecord")),
    ("none", "", ("state",)),
]
"""Every repository and every model of a record; without a state directory, and with one."""
ALL = os.environ.get("ROCKETD_KILLS") == "all"
TICKS = [(kind, model, (*options, "ticks")) for kind, model, options in CASES]
"""With words for ticks as well: they take two seconds more."""
SOME = TICKS if ALL else [*CASES[1:2], *CASES[6:8], CASES[10], *CASES[12:13], TICKS[0], TICKS[11], TICKS[-1]]


@pytest.mark.parametrize(
    ("kind", "model", "options"),
    SOME,
)
def test_what_waited_runs_after_a_kill_and_what_has_run_does_not(
    kind: str, model: str, options: tuple[str, ...], tmp_path: Path
) -> None:
    """The program kills itself in a task: the start of that is in the repository, as all before it."""
    first, second = (FIRST | FIRST_TICKS, SECOND | SECOND_TICKS) if "ticks" in options else (FIRST, SECOND)
    if {"state", "ticks"} <= {*options}:
        second = second | {"first_tick_held": 1}
    assert live(tmp_path, kind, model, 1, *options) == -signal.SIGKILL
    assert ran(tmp_path, 1) == first
    assert live(tmp_path, kind, model, 2, *options) == 0
    assert ran(tmp_path, 2) == second


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    """The URL of a server."""
    pytest.importorskip("sqlalchemy.dialects.postgresql.psycopg", reason="SQLAlchemy 1.4 has no dialect for psycopg 3")
    with postgres_server() as server:
        yield server.url()


@pytest.mark.parametrize("model", MODELS[:4] if ALL else MODELS[:1])
def test_the_same_with_a_postgresql_server(model: str, postgres: str, tmp_path: Path) -> None:
    schema = f"{model.lower()}"
    with psycopg.connect(postgres) as connection:
        connection.execute(f"CREATE SCHEMA {schema}".encode())
    url = f"{postgres.replace('://', '+psycopg://')}?options=-csearch_path%3D{schema}"
    assert live(tmp_path, url, model, 1, "ticks") == -signal.SIGKILL
    assert ran(tmp_path, 1) == FIRST | FIRST_TICKS
    assert live(tmp_path, url, model, 2, "ticks") == 0
    assert ran(tmp_path, 2) == SECOND | SECOND_TICKS


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


@pytest.mark.parametrize("kept", ["session", "state directory", "repository"])
@pytest.mark.parametrize("before", [False, True], ids=["it runs then", "it ran before"])
def test_what_waits_is_not_lost_where_single_tasks_are_run(kept: str, *, before: bool, tmp_path: Path) -> None:
    """`session.run()` starts nothing else; what waits for one of these tasks, or for another, waits on."""
    came: list[str] = []
    gate: list[bool] = []
    repo = MemoryRepo(model=MinimalRecord)

    def application() -> Rocketd:
        app = Rocketd(config=QUICK, state_dir=tmp_path if kept == "state directory" else None)
        if kept == "repository":
            app.session.set_repo(repo)
        is_open = app.cond(every="10 ms")(lambda: bool(gate))
        app.task(daily, name="first", func=lambda: came.append("first"))
        app.task(after_success("first") & is_open, name="second", func=lambda: came.append("second"))
        app.task("false", name="other", func=lambda: came.append("other"))
        app.task(after_success("second" if gate else "first"), name="stop", func=app.session.shut_down)
        return app

    app = application()
    if before:
        run(app)
        assert came == ["first"]
        app = app if kept == "session" else application()
    app.session.run("other" if before else "first")
    gate.append(True)
    app = app if kept == "session" else application()
    app.session["stop"].start_cond = after_success("second")
    run(app)
    assert came == (["first", "other", "second"] if before else ["first", "second"])
