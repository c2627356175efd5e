"""An application that goes on from a run log that Rocketry itself has written; `rocketry_logs` has these.

The clock of the program is that of the log, five seconds later.
"""

import os
import re
import shutil
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from support.libfaketime import FakedClock, needs_faketime

LOGS = Path(__file__).parent / "rocketry_logs"
GUIDE = Path(__file__).parents[2] / "docs" / "how-to" / "robust-applications.md"

PROGRAM = """
import sys
from pathlib import Path
from rocketd import Rocketd, log
from rocketd.args import Session
from rocketd.conds import after_finish, after_success, daily, every, retry, started
from rocketd.repos import CSVFileRepo, SQLRepo
from sqlalchemy import create_engine

kind, model = sys.argv[1], getattr(log, sys.argv[2])
ran = []


def repository():
    if kind == "csv":
        return CSVFileRepo(model=model, filename=f"{sys.argv[2]}.csv")
    return SQLRepo(model=model, table="log", engine=create_engine("sqlite:///log.db"), id_field="created")


app = Rocketd(config={"execution": "main", "restart_delay": 0})
app.session.set_repo(repository())
waiting = {
    "good": daily,
    "bad": daily,
    "tried": daily | retry(2),
    "follower": after_success("good"),
    "regular": every("1 hour"),
    "new_follower": after_success("good"),
    "new_day": daily,
}
for name, condition in waiting.items():
    app.task(condition, name=name, func=lambda name=name: ran.append(name))


@app.task(after_finish("new_follower") & started("new_day"))
def stop(session=Session()):
    session.shut_down()


before = {task.name: (task.status, task.last_run) for task in app.session.tasks}
app.run()
print(*sorted(ran))
for name in ("good", "bad", "tried", "follower", "regular"):
    assert (app.session[name].status, app.session[name].last_run) == before[name]
    print(name, before[name][0], before[name][1].timestamp())
"""


def created(log: str, name: str, action: str) -> float:
    """When that happened last, by the log."""
    found = re.findall(rf"^(?:INSERT INTO log VALUES\(')?{name}'?,'?{action}'?,(\d+\.\d+)", log, re.MULTILINE)
    return float(found[-1])


def go_on(directory: Path, kind: str, model: str, log: str, program: str = PROGRAM) -> subprocess.CompletedProcess[str]:
    clock = FakedClock(directory, round(created(log, "follower", "success") + 5 - time.time()))
    call = [sys.executable, "-c", program, kind, model]
    environment = {**os.environ, **clock.environment, "TZ": "UTC"}
    return subprocess.run(call, cwd=directory, env=environment, capture_output=True, text=True, timeout=60, check=False)


def check(told: str, log: str) -> None:
    """What is new has run, and nothing else; what is known of the others is what is in the log."""
    ran, *known = told.splitlines()
    assert ran == "new_day new_follower"
    ends = {"good": "success", "bad": "fail", "tried": "fail", "follower": "success", "regular": "success"}
    assert [line.split()[:2] for line in known] == [[*pair] for pair in ends.items()]
    for line in known:
        name, _, last_run = line.split()
        assert -1e-3 <= created(log, name, "run") - float(last_run) < 0.1, "some models have the start as well"


@needs_faketime
@pytest.mark.parametrize("model", ["MinimalRecord", "TaskLogRecord", "MinimalRunRecord", "TaskRunRecord"])
def test_a_csv_file_that_rocketry_wrote(model: str, tmp_path: Path) -> None:
    shutil.copy(LOGS / f"{model}.csv", tmp_path)
    log = (LOGS / f"{model}.csv").read_text()
    done = go_on(tmp_path, "csv", model, log)
    assert done.returncode == 0, done.stderr
    check(done.stdout, log)


@needs_faketime
@pytest.mark.parametrize("model", ["MinimalRecord", "LogRecord", "MinimalRunRecord", "RunRecord"])
def test_a_database_that_rocketry_wrote(model: str, tmp_path: Path) -> None:
    log = (LOGS / f"{model}.sql").read_text()
    with closing(sqlite3.connect(tmp_path / "log.db")) as database:
        database.executescript(log)
    done = go_on(tmp_path, "sql", model, log)
    assert done.returncode == 0, done.stderr
    check(done.stdout, log)


@needs_faketime
@pytest.mark.parametrize("model", ["LogRecord", "RunRecord"])
def test_a_csv_file_with_other_columns_is_refused_and_can_be_taken_along(model: str, tmp_path: Path) -> None:
    """As the how-to has it; the file itself stays as it is."""
    old = (LOGS / f"{model}.csv").read_bytes()
    (tmp_path / f"{model}.csv").write_bytes(old)
    log = old.decode()
    refused = go_on(tmp_path, "csv", model, log)
    assert refused.returncode == 1
    assert f"{model}.csv has other columns than {model}" in refused.stderr
    assert (tmp_path / f"{model}.csv").read_bytes() == old
    (tmp_path / f"{model}.csv").rename(tmp_path / "rocketry.csv")
    (example,) = [
        block for block in re.findall(r"```python\n(.*?)```", GUIDE.read_text(), re.DOTALL) if "take_along" in block
    ]
    example = f"repo = CSVFileRepo(model=RunRecord, filename='RunRecord.csv')\n{example}"
    taken = f"from rocketd.log import RunRecord\nfrom rocketd.repos import CSVFileRepo\n{example}"
    done = go_on(tmp_path, "csv", "RunRecord", log, f"{taken}\n{PROGRAM}")
    assert done.returncode == 0, done.stderr
    check(done.stdout, log)
