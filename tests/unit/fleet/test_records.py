"""What goes to the database of a fleet: only what it can keep, and what the host wants to show."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rocketd.core.dataclass import dataclass
from rocketd.core.model.task import Command, Function, Identity, Surroundings, Task
from rocketd.fleet.identity import identify
from rocketd.fleet.record_reader import LoggedRow
from rocketd.fleet.records import COLUMNS, LOCAL, as_json
from rocketd.fleet.schema import _RECORD
from rocketd.fleet.task_digest import task_digest
from rocketd.store.sqlite.rows import Row

ROW = Row(1.5, "report", "success", "run-1", 7, 1, 1.0, 1.0, 1.5, 0.5, 0, output="secret", exc_text="secret")


def sent(*rows: Row, output: bool = True) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(as_json([LoggedRow(1, row) for row in rows], output=output))
    return found


def test_every_field_of_a_record_is_sent_or_left_out_on_purpose() -> None:
    assert {*COLUMNS} | {*LOCAL} == {*Row._fields}
    assert all(f"    {name} " in _RECORD.replace('"', "") for name in COLUMNS)


def test_what_says_nothing_elsewhere_is_left_out() -> None:
    (one,) = sent(ROW._replace(host="h", boot_id="b", pid=1, pid_start=2))
    assert {"host", "boot_id", "pid", "pid_start"}.isdisjoint(one)
    assert (one["task_name"], one["number"], one["output"]) == ("report", 7, "secret")


def test_what_runs_print_is_sent_only_if_it_is_wanted() -> None:
    assert "secret" not in as_json([LoggedRow(1, ROW)], output=False)


@pytest.mark.parametrize(
    ("field", "value", "kept"),
    [
        ("message", "a\0b", "a\\x00b"),
        ("message", "\ud800", "\\ud800"),
        ("exit_code", 2**40, None),
        ("due", 1e30, 253_402_214_400.0),
        ("start", float("nan"), None),
        ("runtime", float("inf"), None),
        ("number", 2**48, 2**48),
    ],
)
def test_values_that_postgresql_does_not_take_are_replaced(field: str, value: object, kept: object) -> None:
    changed: dict[str, Any] = {field: value}
    (one,) = sent(ROW._replace(**changed))
    assert one[field] == kept


def test_a_record_without_a_run_id_has_a_name_of_its_own() -> None:
    first, second = sent(ROW._replace(run_id=None), ROW._replace(run_id="", number=8))
    assert first["run_id"] != second["run_id"]


def test_of_one_record_that_comes_twice_the_newer_is_sent() -> None:
    first, second = (ROW._replace(action="missed", times=times) for times in (1, 2))
    assert [one["times"] for one in sent(first, second)] == [2]
    assert len(sent(ROW, ROW._replace(action="run"))) == 2


# -- which state directory this is


def test_a_state_directory_keeps_its_id(tmp_path: Path) -> None:
    first, note = identify(tmp_path, "web1", 5)
    assert (first.sent_elsewhere, note) == (0, "")
    assert identify(tmp_path, "web1", 9) == (first, "")


def test_under_another_name_it_is_a_copy_whose_past_belongs_to_the_original(tmp_path: Path) -> None:
    first, _ = identify(tmp_path, "web1", 5)
    second, note = identify(tmp_path, "web2", 9)
    assert second.state_id != first.state_id
    assert (second.sent_elsewhere, note.startswith("this state directory was that of web1")) == (9, True)
    assert identify(tmp_path, "web2", 12) == (second, "")


def test_on_another_machine_it_is_a_copy_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, _ = identify(tmp_path, "web1", 5)
    monkeypatch.setattr("rocketd.fleet.identity._machine", lambda: "another")
    second, note = identify(tmp_path, "web1", 9)
    assert (second.state_id != first.state_id, second.sent_elsewhere) == (True, 9)
    assert note.startswith("this state directory was that of another machine")


# -- what a task is


def test_a_digest_tells_what_runs_and_not_how_it_is_written() -> None:
    task = Task("report", Command(("/bin/report",)), file="a.toml")
    same = Task("report", Command(("/bin/report",)), file="b.toml", description="A report")
    assert task_digest(task) == task_digest(same)
    assert task_digest(task) != task_digest(Task("report", Command(("/bin/report", "-v"))))
    assert task_digest(task) != task_digest(Task("report", Command(("/bin/report",)), priority=1))
    assert task_digest(task) != task_digest(Task("report", Function("report:main")))


@dataclass(frozen=True)
class NewerTask(Task):
    """A task of a rocketd that has one setting more."""

    one_more: str = ""


def test_a_setting_that_has_its_default_changes_no_digest() -> None:
    task, newer = Task("report", Command(("/bin/report",))), NewerTask("report", Command(("/bin/report",)))
    assert task_digest(task) == task_digest(newer)
    assert task_digest(task) != task_digest(replace(newer, one_more="set"))
    assert task_digest(task) == task_digest(replace(task, priority=Task("other", task.work).priority))


def test_a_digest_holds_no_secret_and_no_number_of_a_host() -> None:
    def made(uid: int, value: str, name: str = "TOKEN") -> str:
        identity = Identity(uid, uid, (), "backup", "/", "/bin/sh")
        around = Surroundings(identity=identity, environment=((name, value),))
        return task_digest(Task("report", Command(("/bin/report",), surroundings=around)))

    assert made(1000, "a") == made(1001, "b")
    assert made(1000, "a") != made(1000, "a", "OTHER")
