"""Pings and webhooks of a real daemon, at real servers on loopback, with TLS; and what a bad server does: nothing."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from rocketd.cli.backend.http_client import Client
from rocketd.cli.json_fields import the_object
from support.daemon_process import Daemon
from support.servers.mail_server import Certificate
from support.servers.web_server import Received, WebServer


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    with Daemon(tmp_path) as made:
        yield made


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return Certificate.made(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def server(certificate: Certificate) -> Iterator[WebServer]:
    with WebServer(certificate) as made:
        yield made.start()


@pytest.fixture
def dead_server() -> Iterator[WebServer]:
    """One that refuses connections until it is started."""
    with WebServer() as made:
        yield made


def run(daemon: Daemon, task: str) -> str:
    """Start a task by hand; return the run's id."""
    answer = the_object(Client(str(daemon.runtime / "control.sock")).post(f"/v1/tasks/{task}/run", {}))
    return str(answer["run_id"])


def task(command: str, more: str, name: str = "backup") -> str:
    return f"[task.{name}]\nshell = true\ncommand = '''{command}'''\n{more}\n"


def trusting(certificate: Certificate) -> str:
    return f'[http]\nca_file = "{certificate.file}"\n'


def summary(received: Received) -> tuple[str, str, str]:
    return received.path, received.parameters, received.body


def test_a_ping_says_start_exit_code_and_the_output_to_a_server_with_tls(
    daemon: Daemon, server: WebServer, certificate: Certificate
) -> None:
    daemon.write("rocketd.toml", trusting(certificate))
    ping = f'ping = "{server.url}/uuid?create=1"'
    good, bad = task("echo done", ping, "good"), task("echo oh no; exit 3", ping, "bad")
    daemon.write("a.toml", good + bad + task("kill -9 $$", ping, "killed"))
    daemon.start()
    for name, path, body in (("good", "", "done\n"), ("bad", "/3", "oh no\n"), ("killed", "/fail", "")):
        rid = f"create=1&rid={run(daemon, name)}"
        assert summary(server.next()) == ("/uuid/start", rid, "")
        assert summary(server.next()) == (f"/uuid{path}", rid, body)
    assert daemon.stop() == 0


def test_a_run_that_an_operator_stops_is_logged_and_sets_nothing_off(daemon: Daemon, dead_server: WebServer) -> None:
    server = dead_server.start()
    daemon.write("a.toml", task("sleep 1000", f'ping = "{server.url}/p"'))
    daemon.start()
    run(daemon, "backup")
    assert server.next().path == "/p/start"
    Client(str(daemon.runtime / "control.sock")).post("/v1/tasks/backup/stop", {})
    assert server.next().path == "/p/log"
    assert daemon.stop() == 0


def test_a_secret_url_is_read_from_a_file_or_a_credential_and_shown_nowhere(
    tmp_path: Path, dead_server: WebServer
) -> None:
    server = dead_server.start()
    secret, credentials = tmp_path / "secret", tmp_path / "credentials"
    credentials.mkdir()
    for path in (secret, credentials / "chat"):
        path.write_text(f"{server.url}/hush/{{task}}\n")
    environment = {"CREDENTIALS_DIRECTORY": str(credentials)}
    with Daemon(tmp_path, "--log-level=debug", environment=environment) as daemon:
        header = 'headers = { Authorization = { file = "/dev/null" }, X-Token = "hush" }'
        daemon.write("rocketd.toml", '[webhook.chat]\nurl = { credential = "chat" }\non = ["fail"]\n')
        defaults = f'[defaults]\nping = {{ file = "{secret}", on = ["fail"] }}\n'
        daemon.write("a.toml", defaults + task("exit 1", "") + task("exit 1", f'ping = "{server.url}/hush/x"', "other"))
        daemon.start()
        run(daemon, "backup")
        assert sorted(server.next().path for _ in range(2)) == ["/hush/backup", "/hush/backup/1"]
        server.answers = [(404, {})] * 9
        run(daemon, "other")
        daemon.until_line("other: the ping of other was not delivered: the server answers 404")
        daemon.write("rocketd.toml", f'[webhook.chat]\nurl = 1\n{header}\n[heartbeat]\nurl = "htt://a/hush"\n')
        Client(str(daemon.runtime / "control.sock")).post("/v1/reload", {})
        shown = json.dumps(Client(str(daemon.runtime / "control.sock")).get("/v1/tasks/other"))
        assert daemon.stop() == 0
        assert not any("hush" in text for text in [*daemon.lines, *daemon.notices, shown] if "X-Token" not in text)


def test_a_webhook_gets_json_or_what_its_template_says(
    daemon: Daemon, server: WebServer, certificate: Certificate
) -> None:
    daemon.write(
        "rocketd.toml",
        f"""{trusting(certificate)}
[webhook.all]
url = "{server.url}/all"
headers = {{ Authorization = "Bearer x" }}
pause = "0s"
[webhook.chat]
url = "{server.url}/chat"
format = "slack"
on = ["fail", "recovered"]
[webhook.own]
url = "{server.url}/own"
template = \'{{"title": "$task on $host", "text": "$message ($output)", "cost": "$$5"}}\'
on = ["start"]
""",
    )
    daemon.write("a.toml", task('printf "a \\"b\\"\n"; exit 3', "") + task("exit 1", "webhooks = []", "quiet"))
    daemon.start()
    run(daemon, "quiet")
    run_id = run(daemon, "backup")
    got = {received.path: received for received in (server.next(), server.next(), server.next())}
    everything = json.loads(got["/all"].body)
    assert got["/all"].headers["authorization"] == "Bearer x"
    assert everything | {"runtime": 0, "host": ""} == {
        "event": "fail", "occasions": ["end", "fail"], "task": "backup", "description": "", "host": "",
        "message": everything["message"], "action": "fail", "run_id": run_id, "number": 1, "attempt": 1,
        "exit_code": 3, "signal": None, "cause": "exit", "runtime": 0, "output": 'a "b"\n',
    }  # fmt: skip
    assert json.loads(got["/chat"].body) == {"text": f'{everything["host"]}: {everything["message"]}\n```\na "b"\n```'}
    own = json.loads(got["/own"].body)
    assert own == {
        "title": f"backup on {everything['host']}",
        "text": own["text"],
        "cost": "$5",
    }
    assert daemon.stop() == 0
    assert server.received.empty(), "and nothing about a task that wants none"


def test_a_server_that_is_away_gets_everything_in_order_once_it_is_back_also_over_a_kill(
    daemon: Daemon, dead_server: WebServer
) -> None:
    daemon.write("a.toml", task("exit 0", f'ping = "{dead_server.url}/p"') + task("exit 0", "", "good"))
    daemon.start()
    ids = [run(daemon, "backup")]
    daemon.until_line("cannot reach")
    ids.append(run(daemon, "backup"))
    daemon.until_line("backup succeeded", 2)
    status = the_object(Client(str(daemon.runtime / "control.sock")).get("/v1/status"))
    assert "waiting: http://127.0.0.1" in str(status["degraded"])
    run(daemon, "good")
    daemon.until_line("good succeeded")
    daemon.kill()
    server = dead_server.start()
    daemon.start()
    got = [server.next() for _ in range(4)]
    assert [(one.path, one.parameters) for one in got] == [
        (path, f"rid={run_id}") for run_id in ids for path in ("/p/start", "/p")
    ]
    assert daemon.stop() == 0
    daemon.start()
    assert daemon.stop() == 0
    assert server.received.empty(), "each once"


def test_what_the_server_cannot_take_now_comes_later_and_what_it_refuses_does_not(
    daemon: Daemon, dead_server: WebServer
) -> None:
    server = dead_server
    server.answers = [(429, {"Retry-After": "1"}), (503, {}), (200, {}), (410, {}), (302, {"Location": "http://b/c"})]
    daemon.write("a.toml", task("exit 0", f'ping = {{ url = "{server.url}/p", on = ["success"] }}'))
    server.start()
    daemon.start()
    run(daemon, "backup")
    assert server.next().path == "/p"
    run(daemon, "backup")
    daemon.until_line("was not delivered: the server answers 410")
    run(daemon, "backup")
    daemon.until_line("was not delivered: the server answers 302: it wants another URL, on http://b")
    run(daemon, "backup")
    assert server.next().path == "/p"
    assert daemon.stop() == 0


def test_a_server_that_the_host_does_not_trust_gets_nothing(daemon: Daemon, server: WebServer) -> None:
    daemon.write("a.toml", task("exit 0", f'ping = "{server.url}/p"'))
    daemon.start()
    run(daemon, "backup")
    daemon.until_line("the server is not trusted: self-signed certificate")
    assert server.received.empty()
    assert daemon.stop() == 0


def test_requests_go_through_a_proxy_if_there_is_one(daemon: Daemon, dead_server: WebServer) -> None:
    proxy = dead_server.start()
    daemon.write("rocketd.toml", f'[http]\nproxy = "http://user:word@127.0.0.1:{proxy.port}"\n')
    daemon.write("a.toml", task("exit 0", 'ping = { url = "http://ping.example/p", on = ["success"] }'))
    daemon.start()
    run(daemon, "backup")
    got = proxy.next()
    assert got.target.startswith("http://ping.example/p?rid=")
    assert got.headers["proxy-authorization"].startswith("Basic ")
    assert daemon.stop() == 0


def test_the_daemon_says_that_it_lives(daemon: Daemon, dead_server: WebServer) -> None:
    server = dead_server.start()
    daemon.write("rocketd.toml", f'[heartbeat]\nurl = "{server.url}/alive"\n')
    daemon.start()
    assert summary(server.next()) == ("/alive", "", "")
    assert daemon.stop() == 0


def test_a_server_that_never_answers_holds_up_neither_tasks_nor_the_stop(
    daemon: Daemon, dead_server: WebServer
) -> None:
    """Its connections are taken by the kernel, and nobody reads them."""
    dead_server._bound.listen(64)  # noqa: SLF001 - half a start
    daemon.write("a.toml", task("exit 0", f'ping = "{dead_server.url}/p"') + task("exit 0", "", "good"))
    daemon.start()
    run(daemon, "backup")
    daemon.until_line("backup succeeded")
    run(daemon, "good")
    daemon.until_line("good succeeded")
    assert daemon.stop() == 0


def test_urllib3_is_not_imported_where_nothing_is_sent() -> None:
    import subprocess  # noqa: PLC0415
    import sys  # noqa: PLC0415

    script = "import sys, rocketd.bootstrap.service; print({*sys.modules} & {'urllib3'})"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, env={**os.environ}
    )
    assert done.stdout == "set()\n"
