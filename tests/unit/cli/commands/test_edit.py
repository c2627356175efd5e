"""The editor that `rocketctl edit` starts: what the environment says, and how it ends."""

from pathlib import Path

import pytest

from rocketd.cli.commands.edit import run_editor
from rocketd.cli.exit_codes import Failure


def editor(directory: Path, script: str, mode: int = 0o755) -> Path:
    path = directory / "an editor"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(mode)
    return path


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("SUDO_EDITOR", "VISUAL", "EDITOR"):
        monkeypatch.delenv(name, raising=False)
    path = tmp_path / "a.toml"
    path.write_text("")
    return path


def test_the_first_variable_that_says_something_counts(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUDO_EDITOR", "")
    monkeypatch.setenv("VISUAL", "  ")
    program = editor(file.parent, 'echo edited > "$2"')
    monkeypatch.setenv("EDITOR", f"'{program}' --wait")
    run_editor(file, 1)
    assert file.read_text() == "edited\n"


@pytest.mark.parametrize(
    ("script", "mode", "message"),
    [
        ("exit 3", 0o755, "ended with exit code 3"),
        ("kill -9 $$", 0o755, "was ended by SIGKILL"),
        ("exit 0", 0o644, "cannot run the editor '.*an editor': Permission denied"),
    ],
)
def test_an_editor_that_fails(
    file: Path, monkeypatch: pytest.MonkeyPatch, script: str, mode: int, message: str
) -> None:
    monkeypatch.setenv("EDITOR", f"'{editor(file.parent, script, mode)}'")
    with pytest.raises(Failure, match=message):
        run_editor(file, 1)


def test_a_quote_that_is_not_closed(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISUAL", "/home/o'brien/bin/edit")
    with pytest.raises(Failure, match="a quote in VISUAL is not closed: /home/o'brien/bin/edit"):
        run_editor(file, 1)
