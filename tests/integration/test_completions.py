"""Completions do what they promise, in the shells themselves."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from docgen import shell_completions

SCRIPT = """#!/bin/sh
case $1 in
    list) echo '[{"task": "backup", "next": null}, {"task": "tick", "next": null}]' ;;
    history) echo '[{"task": "backup", "run_id": "a", "number": 12}, {"task": "tick", "run_id": "b", "number": 0}]' ;;
esac
"""


@pytest.fixture
def path(tmp_path: Path) -> str:
    """A PATH with a rocketctl that knows two tasks and one run."""
    program = tmp_path / "rocketctl"
    program.write_text(SCRIPT)
    program.chmod(0o755)
    return f"{tmp_path}:{os.environ['PATH']}"


@pytest.mark.skipif(not shutil.which("bash"), reason="bash is not installed")
@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["re"], {"reload", "resume"}),
        (["run", ""], {"backup", "tick"}),
        (["--json", "show", "b"], {"backup", "backup/12"}),
        (["--state-dir", "list", "run", "t"], {"tick"}),
        (["run", "--w"], {"--wait"}),
        (["history", "--action", "f"], {"fail"}),
        (["history", "--since", ""], set()),
        (["status", ""], set()),
        (["--js"], {"--json"}),
    ],
)
def test_bash_offers_verbs_options_tasks_and_runs(path: str, words: list[str], offered: set[str]) -> None:
    line = " ".join(f"'{word}'" for word in ["rocketctl", *words])
    program = f"""{shell_completions.bash()}
COMP_WORDS=({line}); COMP_CWORD={len(words)}
_rocketctl_complete
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    done = subprocess.run(
        ["bash", "--norc", "-eu"], input=program, capture_output=True, text=True, check=True, env={"PATH": path}
    )
    assert (set(done.stdout.split()), done.stderr) == (offered, "")


@pytest.mark.parametrize(("shell", "make"), [("zsh", shell_completions.zsh), ("fish", shell_completions.fish)])
def test_the_other_shells_can_read_theirs(tmp_path: Path, shell: str, make: Callable[[], str]) -> None:
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not installed")
    (tmp_path / "script").write_text(make())
    subprocess.run([shell, "-n", tmp_path / "script"], check=True)
