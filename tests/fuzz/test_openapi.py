"""Requests that the OpenAPI document allows, and others, sent to a real daemon: it keeps to the document.

`make fuzz` sends more of them.
"""

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool

from rocketd.web.openapi import document
from support.daemon_process import Daemon

LEAST = 10
EXAMPLES = max(LEAST, int(os.environ.get("ROCKETD_INPUTS", "0")) // 5_000)
"""Requests of each operation."""

TASKS = """
[task.hello]
command = ["/bin/echo", "hello"]
description = "says it"
tags = ["db"]
max_age = "1h"

[task.nightly]
command = ["/bin/true"]
when = "daily"

[task.off]
command = ["/bin/true"]
enabled = false
"""

schema = schemathesis.openapi.from_dict(document())
ENDLESS = "/v1/events"
Operation: TypeAlias = Any
"""A method of a path; schemathesis does not export its type."""
_FOUND: Iterator[Any] = schema.exclude(path=ENDLESS).get_all_operations()
OPERATIONS = [each.ok() for each in _FOUND]


class UnixConnection(HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("rocketd", timeout=60)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(60)
        self.sock.connect(self._path)


class UnixPool(HTTPConnectionPool):
    """Connections to one unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("rocketd", maxsize=1)
        self._path = path

    def _new_conn(self) -> UnixConnection:
        return UnixConnection(self._path)


class UnixAdapter(HTTPAdapter):
    """Lets requests talk to the daemon."""

    def __init__(self, path: Path) -> None:
        self._pool = UnixPool(str(path))
        super().__init__()

    def get_connection_with_tls_context(self, *_: object, **__: object) -> UnixPool:
        return self._pool


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[requests.Session]:
    with Daemon(tmp_path_factory.mktemp("daemon")) as daemon, requests.Session() as session:
        daemon.write("tasks.toml", TASKS)
        daemon.start()
        session.mount("http://", UnixAdapter(daemon.runtime / "control.sock"))
        session.post("http://rocketd/v1/tasks/hello/run")
        yield session
        assert session.get("http://rocketd/v1/status").status_code == 200
        assert daemon.stop() == 0
        assert not [line for line in daemon.lines if "Traceback" in line]


# Named by their labels: those of `schema.parametrize` are all called the same, of which pytest-xdist runs one.
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.label)
def test_every_answer_is_one_that_the_document_allows(session: requests.Session, operation: Operation) -> None:
    @given(case=operation.as_strategy())
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=EXAMPLES == LEAST,
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    def send(case: "schemathesis.Case[Any]") -> None:
        case.call_and_validate(base_url="http://rocketd", session=session)

    send()
