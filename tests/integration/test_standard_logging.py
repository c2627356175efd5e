"""Events for Python's standard loggers, as `[logging]` of rocketd.toml asks for: a real daemon with real handlers."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.builders import shell_task
from support.daemon_process import Daemon
from support.servers.mail_server import MailServer, text_of

MODULE = '''
"""Handlers and formatters for the daemon under test."""
import json
import logging
import threading

class Json(logging.Formatter):
    def format(self, record):
        names = "name levelname message task_name action run_id number attempt exit_code exc_text output"
        record.message = record.getMessage()
        return json.dumps({name: getattr(record, name, None) for name in names.split()})

class Stuck(logging.Handler):
    def emit(self, record):
        threading.Event().wait()

class Broken(logging.Handler):
    def __init__(self):
        super().__init__()
        raise OSError("the collector is not there")

def mail(host, port):
    from redmail import EmailHandler, EmailSender
    email = EmailSender(host=host, port=port, use_starttls=False)
    return EmailHandler(email=email, sender="rocketd@web01", receivers=["root@example.com"],
                        subject="{record.task_name}: {record.action}", text="{{ record.getMessage() }}")
'''


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    (tmp_path / "ours.py").write_text(MODULE)
    path = os.pathsep.join(filter(None, [str(tmp_path), os.environ.get("PYTHONPATH", "")]))
    with Daemon(tmp_path, environment={"PYTHONPATH": path}) as made:
        yield made


def to_file(daemon: Daemon, level: str = "INFO") -> str:
    return f"""
[logging.formatters.json]
"()" = "ours.Json"
[logging.handlers.file]
class = "logging.FileHandler"
filename = "{daemon.directory}/events.jsonl"
formatter = "json"
[logging.loggers.rocketd]
level = "{level}"
handlers = ["file"]
"""


def events(daemon: Daemon) -> list[dict[str, object]]:
    return [json.loads(line) for line in (daemon.directory / "events.jsonl").read_text().splitlines()]


def test_records_carry_what_the_run_log_keeps(daemon: Daemon) -> None:
    daemon.write("rocketd.toml", to_file(daemon))
    daemon.write("a.toml", shell_task("bad", "echo no space; exit 3"))
    daemon.start()
    daemon.until_line("bad failed")
    assert daemon.stop() == 0
    told = events(daemon)
    ready = next(one for one in told if "is ready" in str(one["message"]))
    assert (ready["name"], ready["levelname"]) == ("rocketd.scheduler", "INFO")
    begun, ended = [one for one in told if one["name"] == "rocketd.task"]
    assert (begun["action"], begun["task_name"], begun["number"], begun["attempt"]) == ("run", "bad", 1, 1)
    assert (ended["action"], ended["exit_code"], ended["output"]) == ("fail", 3, "no space\n")
    assert (ended["run_id"], ended["levelname"]) == (begun["run_id"], "ERROR")


def test_a_reload_changes_where_events_go(daemon: Daemon) -> None:
    daemon.start()
    daemon.write("rocketd.toml", to_file(daemon))
    daemon.write("a.toml", shell_task("first", "true"))
    daemon.signal(signal.SIGHUP)
    daemon.until_line("first succeeded")
    daemon.write("rocketd.toml", "")
    daemon.write("b.toml", shell_task("second", "true"))
    daemon.signal(signal.SIGHUP)
    daemon.until_line("second succeeded")
    assert daemon.stop() == 0
    assert {one["task_name"] for one in events(daemon) if one["name"] == "rocketd.task"} == {"first"}


def test_a_handler_that_cannot_be_made_is_a_problem_in_its_place_and_what_was_before_stays(daemon: Daemon) -> None:
    daemon.write("rocketd.toml", to_file(daemon))
    daemon.start()
    daemon.write("rocketd.toml", to_file(daemon) + '[logging.handlers.collector]\nclass = "ours.Broken"\n')
    daemon.write("a.toml", shell_task("after", "true"))
    daemon.signal(signal.SIGHUP)
    daemon.until_line("rocketd.toml:11:19: error: cannot set up logging: Unable to configure handler 'collector'")
    daemon.until_line("after succeeded")
    daemon.until_notice("1 problem in task files")
    assert daemon.stop() == 0
    assert any(one["task_name"] == "after" for one in events(daemon))


def test_at_start_the_daemon_goes_on_without_what_cannot_be_set_up(daemon: Daemon) -> None:
    daemon.write("rocketd.toml", '[logging.handlers.gone]\nclass = "nowhere.Handler"\n')
    daemon.write("a.toml", shell_task("works", "true"))
    daemon.start()
    daemon.until_line("Cannot resolve 'nowhere.Handler'")
    daemon.until_line("works succeeded")
    assert daemon.stop() == 0


def test_a_handler_that_never_returns_hurts_nobody(daemon: Daemon) -> None:
    daemon.write(
        "rocketd.toml",
        '[logging.handlers.stuck]\nclass = "ours.Stuck"\n[logging.root]\nlevel = "INFO"\nhandlers = ["stuck"]\n',
    )
    daemon.write("a.toml", shell_task("one", "true") + shell_task("two", "true"))
    daemon.start()
    daemon.until_line("one succeeded")
    daemon.write("rocketd.toml", "")
    daemon.write("a.toml", shell_task("three", "true"))
    daemon.signal(signal.SIGHUP)
    daemon.until_line("a logging handler hangs: restart rocketd to change logging")
    daemon.until_line("three succeeded")
    assert daemon.stop() == 0


def test_red_mails_handler_sends_what_a_logger_hears(daemon: Daemon) -> None:
    with MailServer() as server:
        server.start()
        daemon.write(
            "rocketd.toml",
            f"""
[logging.handlers.mail]
"()" = "ours.mail"
host = "127.0.0.1"
port = {server.port}
level = "ERROR"
[logging.loggers."rocketd.task"]
handlers = ["mail"]
""",
        )
        daemon.write("a.toml", shell_task("bad", "exit 3"))
        daemon.start()
        mail = server.next()
        assert mail["Subject"] == "bad: fail"
        assert "bad failed with exit code 3" in text_of(mail)
        assert daemon.stop() == 0
