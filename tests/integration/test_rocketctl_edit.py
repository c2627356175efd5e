"""`rocketctl edit`, `rocketctl new` and `rocketctl check --diff`."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

FILE = """\
[defaults]
user = "root"
[task.backup]
command = ["/bin/true"]
when = "cron('0 3 * * *')"
[task.other]
command = ["/bin/true"]
when = "cron('0 5 * * *')"
"""


class Scene:
    """A directory of task files, and an editor that applies a sed script."""

    def __init__(self, place: Path) -> None:
        self.etc = place / "etc"
        self.etc.mkdir()
        self.file = self.etc / "a.toml"
        self.file.write_text(FILE)
        self.file.chmod(0o640)
        self.place = place

    def rocketctl(self, *words: str, sed: str = "", answers: str | None = None) -> subprocess.CompletedProcess[str]:
        editor = self.place / "editor"
        editor.write_text(f"#!/bin/sh\nfor file; do :; done\nsed -i '{sed}' \"$file\"\n")
        editor.chmod(0o755)
        command = [sys.executable, "-m", "rocketd.cli.rocketctl", *words, "--config-dir", str(self.etc)]
        command += ["--runtime-dir", str(self.place), "--state-dir", str(self.place / "state")]
        environment = {**os.environ, "SUDO_EDITOR": str(editor), "TMPDIR": str(self.place)}
        ours, theirs = pty.openpty()
        try:
            os.write(ours, (answers or "").encode())
            source = subprocess.DEVNULL if answers is None else theirs
            return subprocess.run(
                command, stdin=source, capture_output=True, text=True, env=environment, timeout=120, check=False
            )
        finally:
            os.close(ours)
            os.close(theirs)


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def test_an_edit_is_shown_and_installed_with_the_mode_it_had(scene: Scene) -> None:
    done = scene.rocketctl("edit", "backup", sed="s/0 3/30 4/", answers="y\n")
    assert done.returncode == 0, done.stderr
    assert "+when = \"cron('30 4 * * *')\"" in done.stdout
    assert "~ task 'backup' changed" in done.stdout
    assert "starts before" in done.stdout
    assert "30 4" in scene.file.read_text()
    assert scene.file.stat().st_mode & 0o777 == 0o640
    assert not list(scene.place.glob("rocketctl-edit-*"))


def test_a_file_with_errors_is_not_installed_and_the_version_is_kept(scene: Scene) -> None:
    done = scene.rocketctl("edit", "a.toml", sed="s/cron/corn/", answers="x\nq\n")
    assert done.returncode == 1
    assert f"{scene.file}:5" in done.stdout
    assert scene.file.read_text() == FILE
    (kept,) = scene.place.glob("rocketctl-edit-*/a.toml")
    assert "corn" in kept.read_text()
    assert str(kept) in done.stderr


def test_nothing_is_installed_when_nobody_can_answer(scene: Scene) -> None:
    assert scene.rocketctl("edit", "backup", sed="s/0 3/30 4/").returncode == 1
    assert scene.file.read_text() == FILE


def test_an_edit_does_not_undo_that_of_somebody_else(scene: Scene) -> None:
    done = scene.rocketctl("edit", "backup", "--yes", sed=f"s/0 3/30 4/;w {scene.file}")
    assert done.returncode == 1
    assert "meanwhile" in done.stderr


def test_an_editor_that_removes_the_file_installs_nothing(scene: Scene) -> None:
    done = scene.rocketctl("edit", "backup", "--yes", sed='/x/d\' "$file"; rm "$file"; : \'')
    assert done.returncode == 1
    assert "the editor has left no file" in done.stderr
    assert scene.file.read_text() == FILE


def test_no_change_is_no_install(scene: Scene) -> None:
    done = scene.rocketctl("edit", "backup")
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize(("words", "code"), [(["edit", "nothing"], 4), (["edit", "b.toml"], 4), (["new", "a b"], 1)])
def test_what_is_not_there(scene: Scene, words: list[str], code: int) -> None:
    assert scene.rocketctl(*words).returncode == code


def test_a_new_task(scene: Scene) -> None:
    assert scene.rocketctl("new", "fresh.one", "--yes", sed="s/after/starting/").returncode == 0
    assert '[task."fresh.one"]' in (scene.etc / "fresh.one.toml").read_text()
    assert scene.rocketctl("new", "backup", "--yes").returncode == 1


def test_check_shows_what_a_file_would_change(scene: Scene) -> None:
    candidate = scene.place / "source"
    candidate.write_text(FILE.replace("0 3", "30 4").replace("task.other", "task.another"))
    done = scene.rocketctl("check", "--diff", str(candidate), "--json")
    assert done.returncode == 0, done.stdout
    found = {one["task"]: one for one in json.loads(done.stdout)["changes"]}
    assert {name: one["change"] for name, one in found.items()} == {
        "backup": "changed",
        "other": "gone",
        "another": "new",
    }
    assert found["backup"]["settings"] == {"when": {"old": "\"cron('0 3 * * *')\"", "new": "\"cron('30 4 * * *')\""}}
    assert len(found["backup"]["starts_before"]) == len(found["another"]["starts_after"]) == 3
    assert "No task changes." in scene.rocketctl("check", "--diff", str(scene.file)).stdout
    other = scene.place / "other"
    other.mkdir()
    against = scene.rocketctl("check", "--diff", str(candidate), "--against", str(other))
    assert against.stdout.count("+ task") == 2
    assert scene.rocketctl("check", "--diff").returncode == 2


def test_a_task_that_starts_all_the_time_hides_no_starts_of_others(scene: Scene, tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    candidate = tmp_path / "new" / "b.toml"
    candidate.write_text(
        '[defaults]\nuser = "root"\n[task.busy]\ncommand = ["/bin/true"]\nwhen = "every(\'1 s\')"\n'
        '[task.rare]\ncommand = ["/bin/true"]\nwhen = "cron(\'0 3 1 * *\')"\n'
    )
    changes = json.loads(scene.rocketctl("check", "--diff", str(candidate), "--json").stdout)["changes"]
    assert {one["task"]: len(one["starts_after"]) for one in changes} == {"busy": 3, "rare": 3}
