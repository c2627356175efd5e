"""Health and metrics of a real daemon; the example rules, checked by Prometheus' own tool."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics_families
from prometheus_client.parser import text_string_to_metric_families

from rocketd.cli.backend.http_client import Client
from support.daemon_process import Daemon

EXAMPLES = Path(__file__).parents[2] / "etc" / "examples" / "prometheus"
PROMTOOL = os.environ.get("PROMTOOL") or shutil.which("promtool") or ""
TASKS = """
[task.good]
command = ["/bin/true"]
max_age = "25h"

[task.bad]
command = ["/bin/false"]
"""


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    with Daemon(tmp_path) as made:
        made.write("a.toml", TASKS)
        yield made


def rocketctl(daemon: Daemon, *words: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "rocketd.cli.rocketctl", f"--runtime-dir={daemon.runtime}", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    return done.returncode, done.stdout


def run(daemon: Daemon, task: str, line: str) -> None:
    Client(str(daemon.runtime / "control.sock")).post(f"/v1/tasks/{task}/run", {})
    daemon.until_line(line)


def test_by_the_name_of_a_plugin_it_is_health(daemon: Daemon) -> None:
    plugin = daemon.directory / "check_rocketd"
    plugin.symlink_to(Path(sys.executable).with_name("rocketctl"))
    daemon.start()
    command = [str(plugin), "--max-age=1h", f"--runtime-dir={daemon.runtime}", "good"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout.partition(" | ")[0]) == (0, "ROCKETD OK - 1 task in order")
    assert subprocess.run([plugin, "--wrong"], capture_output=True, check=False, timeout=60).returncode == 3


def test_health_has_the_exit_codes_of_nagios(daemon: Daemon) -> None:
    assert rocketctl(daemon, "health")[0] == 2, "no daemon"
    daemon.start()
    run(daemon, "good", "good succeeded")
    code, said = rocketctl(daemon, "health")
    assert (code, said.partition(" | ")[0]) == (0, "ROCKETD OK - 2 tasks in order")
    run(daemon, "bad", "bad failed")
    code, said = rocketctl(daemon, "health")
    assert (code, said.splitlines()[1:]) == (2, ["bad failed, has never succeeded"])
    assert rocketctl(daemon, "health", "goo*", "--max-age", "1h")[0] == 0
    assert rocketctl(daemon, "health", "-w", "1", "-c", "5")[0] == 1
    for wrong in (["nothing"], ["--wrong"], ["--max-age", "soon"], ["-c", "x"]):
        code, said = rocketctl(daemon, "health", *wrong)
        assert (code, said.split(" - ")[0]) == (3, "ROCKETD UNKNOWN")
    assert daemon.stop() == 0


def test_metrics_come_from_the_socket_from_rocketctl_and_as_a_file(daemon: Daemon) -> None:
    textfile = daemon.directory / "rocketd.prom"
    daemon.write("rocketd.toml", f'[metrics]\ntextfile = "{textfile}"\n')
    daemon.start()
    run(daemon, "bad", "bad failed")
    code, said = rocketctl(daemon, "metrics")
    assert code == 0
    families = {one.name: one for one in openmetrics_families(said)}  # type: ignore[no-untyped-call]  # as it comes
    assert [(one.labels, one.value) for one in families["rocketd_task_last_run_success"].samples] == [
        ({"task": "bad"}, 0)
    ]
    code, _ = rocketctl(daemon, "metrics", "--textfile", str(daemon.directory / "mine.prom"))
    assert code == 0
    for path in (daemon.directory / "mine.prom", textfile):  # the daemon's own is written with its first heartbeat
        assert {family.name for family in text_string_to_metric_families(path.read_text())} >= {"rocketd_info"}
    assert rocketctl(daemon, "metrics", "--format", "xml")[0] == 2
    assert daemon.stop() == 0


def test_the_dashboard_asks_for_series_that_there_are(daemon: Daemon) -> None:
    daemon.start()
    _, said = rocketctl(daemon, "metrics", "--format", "text")
    known = {line.split()[2] for line in said.splitlines() if line.startswith("# TYPE")}
    for file in ("rocketd-dashboard.json", "rocketd.rules.yml"):
        text = (EXAMPLES / file).read_text()
        asked = set(re.findall(r"rocketd_\w+", text))
        assert {name.removesuffix("_bucket") for name in asked} <= known
    json.loads((EXAMPLES / "rocketd-dashboard.json").read_text())
    assert daemon.stop() == 0


@pytest.mark.skipif(not PROMTOOL, reason="promtool is in Debian's package prometheus, which would start a server")
def test_promtool_finds_nothing_wrong_with_rules_and_metrics(daemon: Daemon) -> None:
    for words in (["check", "rules", "rocketd.rules.yml"], ["test", "rules", "rocketd.tests.yml"]):
        done = subprocess.run([PROMTOOL, *words], cwd=EXAMPLES, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr
    daemon.start()
    run(daemon, "bad", "bad failed")
    _, said = rocketctl(daemon, "metrics", "--format", "text")
    done = subprocess.run(
        [PROMTOOL, "check", "metrics"], input=said, capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    assert daemon.stop() == 0
