"""Applications that are killed, and logs that cannot be written."""

import logging
import os
import signal
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest

from rocketd import Rocketd
from rocketd.conds import after_success, daily, false
from rocketd.core.errors import StoreError
from rocketd.log import RunRecord
from rocketd.repos import CSVFileRepo, MemoryRepo
from support.application import run

QUICK = {"restart_delay": 0}


PROGRAM = """
    import os, sys
    from pathlib import Path
    from rocketd import Rocketd
    from rocketd.conds import daily
    from rocketd.log import RunRecord
    from rocketd.repos import CSVFileRepo

    app = Rocketd(config={"restart_delay": 0, "task_execution": "thread"})
    repo = CSVFileRepo(model=RunRecord, filename="log.csv")
    if not Path("log.csv").exists():
        repo.create()
    app.session.set_repo(repo)

    @app.task(daily, execution="process")
    def in_child():
        print(f"child {os.getpid()}", flush=True)
        sys.stdin.close()
        import time
        time.sleep(600)

    @app.task(daily)
    def in_thread():
        print("thread", flush=True)
        import time
        time.sleep(600)

    app.task(daily, name="command", command=["sh", "-c", "echo $$ > pid; exec sleep 600"])

    app.run()
"""


def written(directory: Path, text: str, last: str = "") -> Path:
    """Write a program there; `last` is its last line."""
    program = directory / "program.py"
    program.write_text(textwrap.dedent(text) + last)
    return program


def test_after_a_kill_nothing_is_left_behind_and_what_was_cut_off_is_a_crash(tmp_path: Path) -> None:
    """The child process dies with its program; the command is stopped by the next one, before it starts again."""
    script = written(tmp_path, PROGRAM)
    os.mkfifo(tmp_path / "pid")
    call = [sys.executable, str(script)]
    there = {**os.environ, "TMPDIR": str(tmp_path)}  # what is killed leaves its temporary directory
    with subprocess.Popen(call, cwd=tmp_path, env=there, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        told = sorted(program.stdout.readline() for _ in range(2))
        child = int(told[0].split()[1])
        command = int((tmp_path / "pid").read_text())
        program.kill()
    assert _ends(child)
    assert Path(f"/proc/{command}").exists()

    app = Rocketd(config=QUICK)
    app.session.set_repo(CSVFileRepo(model=RunRecord, filename=tmp_path / "log.csv"))
    for name in ("in_child", "in_thread", "command"):
        app.task(false, name=name, code="pass")
    app.task(daily, name="stop", func=app.session.shut_down)
    run(app)
    assert _ends(command)
    for name in ("in_child", "in_thread", "command"):
        records = app.session[name].logger.get_records()
        assert [record.action for record in records] == ["run", "crash"], name
        assert records[-1].cause == "down"


def _ends(pid: int) -> bool:
    """Whether that process ends within some seconds; a zombie has ended."""
    try:
        pidfd = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        import select  # noqa: PLC0415 - here alone

        return bool(select.select([pidfd], [], [], 10)[0])
    finally:
        os.close(pidfd)


def test_ctrl_c_stops_the_tasks_and_returns(tmp_path: Path) -> None:
    script = written(
        tmp_path,
        """
            import asyncio
            from rocketd import Rocketd
            from rocketd.conds import daily

            app = Rocketd()

            @app.task(daily)
            async def goes_on():
                print("began", flush=True)
                await asyncio.Event().wait()

            app.run()
            print(app.session["goes_on"].status)
        """,
    )
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == "began\n"
        program.send_signal(signal.SIGINT)
        assert program.stdout.read() == "crash\n"
    assert program.returncode == 0


def test_a_second_ctrl_c_stops_a_task_that_keeps_the_loop_s_thread(tmp_path: Path) -> None:
    script = written(
        tmp_path,
        """
            import signal, time
            from rocketd import Rocketd
            from rocketd.conds import daily

            app = Rocketd()

            @app.task(daily, execution="main")
            def goes_on():
                signal.raise_signal(signal.SIGINT)
                signal.raise_signal(signal.SIGINT)
                time.sleep(600)

            app.run()
            print(app.session["goes_on"].status)
        """,
    )
    done = subprocess.run([sys.executable, str(script)], stdout=subprocess.PIPE, text=True, timeout=30, check=True)
    assert done.stdout == "fail\n"


@pytest.mark.parametrize("start", ["app.run()", "asyncio.run(app.serve())", "app.session.run('in_child', 'stop')"])
def test_a_program_without_a_guard_may_use_child_processes(tmp_path: Path, start: str) -> None:
    """The child imports the program to find the function, and must not start the scheduler again."""
    script = written(
        tmp_path,
        """
            import asyncio
            from rocketd import Rocketd
            from rocketd.args import Return
            from rocketd.conds import after_success, daily

            app = Rocketd()

            @app.task(daily, execution="process")
            def in_child():
                return "from the child"

            @app.task(after_success(in_child))
            def stop(value=Return(in_child, default="from the child")):
                print(value, flush=True)
                app.session.shut_down()

        """,
        start,
    )
    done = subprocess.run([sys.executable, str(script)], stdout=subprocess.PIPE, text=True, timeout=30, check=True)
    assert done.stdout == "from the child\n"


def test_a_restart_may_replace_the_program(tmp_path: Path) -> None:
    script = written(
        tmp_path,
        """
            import sys
            from rocketd import Rocketd

            app = Rocketd(config={"restarting": "replace", "state_dir": "state"})

            @app.task(on_startup=True)
            def starts():
                records = app.session["starts"].logger.get_records(action="success")
                print("start", len(records), *sys.argv[1:], flush=True)
                app.session.shut_down() if records else app.session.restart()

            app.run()
        """,
    )
    argv = [sys.executable, str(script), "an argument"]
    done = subprocess.run(argv, cwd=tmp_path, stdout=subprocess.PIPE, text=True, timeout=30, check=True)
    assert done.stdout == "start 0 an argument\nstart 1 an argument\n"


def test_a_program_that_is_replaced_leaves_nothing_temporary_behind(tmp_path: Path) -> None:
    script = written(
        tmp_path,
        """
            from pathlib import Path
            from rocketd import Rocketd

            app = Rocketd(config={"restarting": "replace"})

            @app.task(on_startup=True)
            def starts():
                again = Path("again").exists()
                Path("again").touch()
                app.session.shut_down() if again else app.session.restart()

            app.run()
        """,
    )
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    environment = {**os.environ, "TMPDIR": str(temporary)}
    subprocess.run([sys.executable, str(script)], cwd=tmp_path, env=environment, timeout=30, check=True)
    assert (tmp_path / "again").exists()
    assert not list(temporary.iterdir())


class Away(Exception):
    """The server does not answer."""


class SometimesAway(MemoryRepo):  # type: ignore[misc,valid-type]  # Red Bird has no types
    """A repository that can be made to fail."""

    away: bool = False

    def insert(self, item: object) -> None:
        if self.away:
            raise Away("the server does not answer")
        super().insert(item)


def test_a_log_that_cannot_be_written_stops_the_scheduler_after_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While tasks go on, and what they did is recorded in the state directory."""
    monkeypatch.setattr("rocketd.bootstrap.replication.OUTAGE_LIMIT", 0.1)
    app = Rocketd(config=QUICK, state_dir=tmp_path)
    app.session.set_repo(SometimesAway(model=RunRecord, away=True))
    app.task(daily, name="works", code="pass")
    with pytest.raises(StoreError, match="the server does not answer"):
        run(app)
    assert app.session["works"].status == "success"


def test_nothing_starts_while_a_log_that_is_all_there_is_cannot_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever dies in the task would not know of it at the next start."""
    monkeypatch.setattr("rocketd.daemon.record_writer.OUTAGE_LIMIT", 0.1)
    app = Rocketd(config=QUICK)
    app.session.set_repo(SometimesAway(model=RunRecord, away=True))
    began: list[str] = []
    app.task(daily, name="works", func=lambda: began.append("works"))
    with pytest.raises(StoreError, match="the server does not answer"):
        run(app)
    assert began == []


def test_an_end_that_reaches_no_log_is_told_by_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that stops before ten seconds are over has lost it."""
    monkeypatch.setattr("rocketd.daemon.record_writer.OUTAGE_LIMIT", 0.1)
    app = Rocketd(config=QUICK)
    repo = SometimesAway(model=RunRecord)
    app.session.set_repo(repo)

    @app.task(daily)
    def works() -> None:
        repo.away = True
        app.session.shut_down()

    with pytest.raises(StoreError, match="the server does not answer"):
        run(app)
    assert [record.action for record in repo.filter_by()] == ["run"]


def test_an_end_that_waits_in_the_state_directory_is_told_by_run(tmp_path: Path) -> None:
    """And is in the log after the next start."""
    repo = SometimesAway(model=RunRecord)

    def made() -> Rocketd:
        app = Rocketd(config=QUICK, state_dir=tmp_path)
        app.session.set_repo(repo)

        @app.task(daily)
        def works() -> None:
            repo.away = True
            app.session.shut_down()

        app.task(name="stop", func=app.session.shut_down)
        return app

    waits = "(1 record waits|2 records wait)"  # the start is on its way when the repository goes away
    with pytest.raises(StoreError, match=f"{waits} in {tmp_path}.*the server does not answer"):
        run(made())
    repo.away = False
    app = made()
    app.session["stop"].run()
    run(app)
    assert [record.action for record in app.session["works"].logger.get_records()] == ["run", "success"]


def test_a_silenced_log_gets_its_records_in_order_when_it_is_back(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("rocketd.bootstrap.replication.OUTAGE_LIMIT", 0.0)
    app = Rocketd(config={**QUICK, "silence_task_logging": True})
    repo = SometimesAway(model=RunRecord, away=True)
    app.session.set_repo(repo)
    seen: list[int] = []
    told_of = threading.Event()

    def hear(record: logging.LogRecord) -> bool:
        if "the server does not answer" in record.getMessage():
            told_of.set()
        return True

    caplog.handler.addFilter(hear)

    @app.task(daily)
    def first() -> None:
        pass

    @app.task(after_success(first))
    def second() -> None:
        seen.append(len(repo.filter_by().all()))
        told_of.wait()
        repo.away = False
        app.session.shut_down()

    run(app)
    assert seen == [0]
    told = [(record.task_name, record.action) for record in repo.filter_by()]
    assert told == [("first", "run"), ("first", "success"), ("second", "run"), ("second", "success")]
    assert any("the server does not answer" in record.message for record in caplog.records)
