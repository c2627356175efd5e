"""Every example of docs/how-to/robust-applications.md, run as a reader would, and what the page promises."""

import logging
import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from rocketd import Rocketd
from rocketd.conds import after_success, daily, false, retry, scheduler_running
from rocketd.config.loader import load
from rocketd.core.errors import RocketdError
from rocketd.core.model.condition import Condition
from rocketd.core.model.task import Task
from rocketd.log import MinimalRecord, RunRecord
from rocketd.repos import CSVFileRepo, JSONDirectoryRepo, MemoryRepo, RunRepo, SQLRepo
from rocketd.store.redbird.compat import BaseRepo
from support.application import run
from support.task_files import Folder

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "robust-applications.md"
BLOCKS = re.findall(r"^```(python|toml)\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)
PYTHON = [text for language, text in BLOCKS if language == "python"]
TOML = [text for language, text in BLOCKS if language == "toml"]
QUICK = {"restart_delay": 0}


def clean(*names: str) -> None:
    for name in names:
        logger = logging.getLogger(name)
        for handler in logger.handlers[:]:
            logger.removeHandler(handler)


def number_of(text: str) -> int:
    return next(place for place, block in enumerate(PYTHON) if text in block)


def do(namespace: dict[str, object], text: str) -> dict[str, object]:
    """Run the example with this text, in what those before it have left."""
    exec(compile(PYTHON[number_of(text)], str(PAGE), "exec"), namespace)  # noqa: S102 - our own documentation
    return namespace


@pytest.fixture
def namespace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, object]]:
    """What the first example leaves, in a directory of its own."""
    monkeypatch.chdir(tmp_path)
    made = do({}, "silence_cond_check")
    yield made
    dispose = getattr(made.get("engine"), "dispose", None)  # of SQLAlchemy
    if dispose is not None:
        dispose()


def works(namespace: dict[str, object]) -> list[str]:
    """Let the application run a task and a failing one, and tell what its log has."""
    app = namespace["app"]
    assert isinstance(app, Rocketd)
    app.session.config.restart_delay = 0

    def fails() -> None:
        raise ValueError("no such thing")

    app.task(daily, func=fails)
    app.task(daily, name="works", code="pass")
    app.task(after_success("works") & after_success("works"), name="stop", func=app.session.shut_down)
    run(app)
    return sorted(f"{record.task_name} {record.action}" for record in app.session.get_repo().filter_by())  # type: ignore[attr-defined]


ALL = ["fails fail", "fails run", "stop run", "stop success", "works run", "works success"]


def test_every_python_example_is_run_below() -> None:
    """One that is new needs a test."""
    done = {
        number_of(text)
        for text in (
            "silence_cond_check", "CSVFileRepo", "take_along", "CREATE TABLE", "StaticPool", "state_dir", "retry_func",
            "EmailHandler", "sched_logger", "def do_things():", "do_things_in_time", "do_things_patiently",
        )
    }  # fmt: skip
    assert done == set(range(len(PYTHON)))


def test_silenced_errors(namespace: dict[str, object]) -> None:
    app = namespace["app"]
    assert isinstance(app, Rocketd)
    config = app.session.config
    assert (config.silence_task_prerun, config.silence_task_logging, config.silence_cond_check) == (True, True, True)


def test_to_csv(namespace: dict[str, object]) -> None:
    assert works(do(namespace, "CSVFileRepo")) == ALL
    assert Path("tasks.csv").read_text().count("works") >= 2


def test_to_csv_twice_in_one_place(namespace: dict[str, object]) -> None:
    """The second start is what it is about."""
    assert works(do(namespace, "CSVFileRepo")) == ALL
    again = do(do({}, "silence_cond_check"), "CSVFileRepo")
    app = again["app"]
    assert isinstance(app, Rocketd)
    app.session.config.shut_cond = scheduler_running(more_than="300ms")
    assert works(again) == ALL


def test_a_csv_file_that_rocketry_wrote(namespace: dict[str, object]) -> None:
    columns = "task_name,action,created,name,msg,levelname,process,message,formatted_message,run_id"
    created = time.time() - 1
    lines = [f"works,{action},{created},rocketry.task,,INFO,7,m,f,one" for action in ("run", "success")]
    Path("rocketry.csv").write_text("\n".join([columns, *lines, ""]))
    repo = do(namespace, "CSVFileRepo")["repo"]
    Path("tasks.csv").unlink()
    do(namespace, "take_along")
    assert [record.action for record in repo.filter_by(task_name="works")] == ["run", "success"]  # type: ignore[attr-defined]
    assert works(namespace) == ALL


def test_to_sql(namespace: dict[str, object]) -> None:
    assert works(do(namespace, "CREATE TABLE")) == ALL


def test_to_a_database_in_memory(namespace: dict[str, object]) -> None:
    do(namespace, "StaticPool")
    PYTHON_SQL = PYTHON[number_of("CREATE TABLE")]  # noqa: N806 - as above
    in_memory = PYTHON_SQL.replace('engine = create_engine("sqlite:///tasks.db")', "")
    exec(compile(in_memory, str(PAGE), "exec"), namespace)  # noqa: S102 - our own documentation
    assert works(namespace) == ALL


def test_a_database_in_memory_that_threads_cannot_share_is_refused(namespace: dict[str, object]) -> None:
    with pytest.raises(RocketdError, match="each thread has its own") as caught:
        exec(PYTHON[number_of("CREATE TABLE")].replace("sqlite:///tasks.db", "sqlite://"), namespace)  # noqa: S102 - as above
    assert "StaticPool" in caught.value.hint


def test_a_repository_that_tries_again_by_itself(namespace: dict[str, object]) -> None:
    do(do(namespace, "CREATE TABLE"), "retry_func")
    app, repo = namespace["app"], namespace["repo"]
    assert isinstance(app, Rocketd)
    assert isinstance(repo, BaseRepo)
    app.session.set_repo(repo)
    assert works(namespace) == ALL


def test_a_state_directory_outlives_the_program(namespace: dict[str, object]) -> None:
    do(namespace, "state_dir")
    assert works(namespace) == ALL
    assert Path("state/rocketd.db").exists()


def test_logging_the_scheduler(namespace: dict[str, object], capsys: pytest.CaptureFixture[str]) -> None:
    try:
        do(namespace, "sched_logger")
        logging.getLogger("rocketd.scheduler").setLevel(logging.INFO)
        works(namespace)
    finally:
        clean("rocketd.scheduler")
        logging.getLogger("rocketd.scheduler").setLevel(logging.NOTSET)
    assert "stopping" in capsys.readouterr().err


def test_errors_by_mail(namespace: dict[str, object]) -> None:
    """Through a real SMTP server on loopback."""
    controller = pytest.importorskip("aiosmtpd.controller")
    pytest.importorskip("redmail")
    got = []

    class Handler:
        async def handle_DATA(self, _: object, __: object, envelope: object) -> str:  # noqa: N802 - aiosmtpd's
            got.append(envelope.content.decode())  # type: ignore[attr-defined]
            return "250 OK"

    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = controller.Controller(Handler(), hostname="127.0.0.1", port=port)
    server.start()
    try:
        block = PYTHON[number_of("EmailHandler")]
        exec(block.replace("localhost", "127.0.0.1").replace("25,", f"{port},"), namespace)  # noqa: S102 - our own documentation
        works(namespace)
    finally:
        clean("rocketd.task")
        server.stop()
    assert len(got) == 1
    assert "Subject: Task failed" in got[0]
    assert "Task failed: fails" in got[0]
    assert "ValueError: no such thing" in got[0]


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("def do_things():", "daily | retry(3)"),
        ("do_things_in_time", '(daily | retry(3)) & time_of_day.between("10:00", "12:00")'),
        (
            "do_things_patiently",
            'daily | retry(5, delay="10s", factor=4, max_delay="30min", within="6h")',
        ),
    ],
)
def test_retrying(namespace: dict[str, object], text: str, condition: str) -> None:
    app = do(namespace, text)["app"]
    assert isinstance(app, Rocketd)
    (task,) = app.session.tasks
    assert str(task.start_cond) == condition
    assert condition in [str(one.when) for one in all_tasks(Path.cwd())]


def all_tasks(directory: Path) -> list[Task]:
    folder = Folder(directory / "etc")
    for place, text in enumerate(TOML):
        if "[task." in text:
            folder.write(f"{place}.toml", text)
    return list(load([folder.path]).tasks)


@pytest.mark.parametrize("text", TOML, ids=lambda text: text.splitlines()[1])
def test_every_toml_example_has_no_mistake(text: str, tmp_path: Path) -> None:
    folder = Folder(tmp_path / "etc")
    folder.write("rocketd.toml" if "rocketd.toml" in text else "tasks.toml", text)
    loaded = load([folder.path])
    assert [str(problem) for problem in loaded.problems if problem.severity == "error"] == []
    assert loaded.tasks or "[task." not in text


# -- what the page promises -------------------------------------------------------------------------------------------


def repos(directory: Path) -> dict[str, BaseRepo]:
    """One repository of each kind, over what the last one of its kind has left there."""
    from sqlalchemy import create_engine  # noqa: PLC0415 - with the repositories that need it
    from sqlalchemy.pool import NullPool  # noqa: PLC0415 - as above

    (directory / "json").mkdir(exist_ok=True)
    csv = CSVFileRepo(model=RunRecord, filename=directory / "log.csv")
    few = CSVFileRepo(model=MinimalRecord, filename=directory / "few.csv")
    for repo in (csv, few):
        if not Path(repo.filename).exists():  # type: ignore[attr-defined]
            repo.create()
    return {
        "csv": csv,
        "few": few,
        "json": JSONDirectoryRepo(model=RunRecord, path=directory / "json", id_field="id"),
        "sql": SQLRepo(
            model=RunRecord,
            table="log",
            engine=create_engine(f"sqlite:///{directory}/sql.db", poolclass=NullPool),
            id_field="id",
            if_missing="create",
        ),
        "own": RunRepo(f"sqlite:///{directory}/own.db"),
    }


@pytest.mark.parametrize("kind", ["csv", "few", "json", "sql", "own"])
def test_the_next_program_goes_on_where_the_last_one_was(kind: str, tmp_path: Path) -> None:
    """What has run today does not run again, retries go on counting, and what was cut off is recorded as crash."""

    def made() -> Rocketd:
        app = Rocketd(config=QUICK)
        app.session.set_repo(repos(tmp_path)[kind], delete_existing=True)

        def fails() -> None:
            raise ValueError

        app.task(daily, name="once", code="pass")
        app.task(daily | retry(1), func=fails)
        app.task(false, name="stop", func=app.session.shut_down)
        return app

    app = made()
    app.session["stop"].start_cond = after_success("once") & after_failures(app, 2)
    run(app)
    records = [record.action for record in app.session["fails"].logger.get_records()]
    assert records == ["run", "fail"] * 2

    app = made()
    app.session["stop"].run()
    run(app)
    assert [record.action for record in app.session["once"].logger.get_records()] == ["run", "success"]
    assert [record.action for record in app.session["fails"].logger.get_records()] == ["run", "fail"] * 2
    assert app.session["once"].status == "success"


def after_failures(app: Rocketd, count: int) -> Condition:
    """For when the failing task has failed so often."""

    @app.cond(every="10 ms")
    def has_failed() -> bool:
        return len(app.session["fails"].logger.get_records(action="fail")) == count

    return has_failed


def test_a_repository_may_be_looked_into_while_the_scheduler_writes_to_it() -> None:
    app = Rocketd(config=QUICK)
    repo = MemoryRepo(model=RunRecord)
    app.session.set_repo(repo)
    seen: list[str] = []

    @app.task(daily)
    def looks() -> None:
        seen.extend(record.action for record in app.session["looks"].logger.get_records())
        app.session.shut_down()

    run(app)
    assert seen == ["run"]
    assert [record.action for record in repo.filter_by()] == ["run", "success"]  # type: ignore[attr-defined]
    assert app.session.get_repo() is repo
