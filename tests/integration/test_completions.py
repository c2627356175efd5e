"""Completions do what they promise, in the shells themselves."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from docgen import shell_completions

SCRIPT = r"""#!/bin/sh
case "$*" in
    list\ *--running*) echo '[{"task": "tick", "next": null}]' ;;
    list\ *--paused*) echo '[{"task": "frozen", "next": null}]' ;;
    history\ *--action\ run*) echo '[{"task": "tick", "run_id": "b", "number": 7}]' ;;
    list*) echo '[{"task": "backup", "tags": ["db", "night"]}, {"task": "tick", "tags": []}]' ;;
    history*) echo '[{"task": "backup", "run_id": "a", "number": 12}, {"task": "tick", "run_id": "b", "number": 0}]' ;;
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
        (["history", "--since", "y"], {"yesterday"}),
        (["history", "--since", "1h"], {"1h\\", "ago"}),
        (["stop", ""], {"tick", "tick/7"}),
        (["resume", ""], {"frozen"}),
        (["list", "--tag", ""], {"db", "night"}),
        (["list", "--sort", "n"], {"next", "name"}),
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


@pytest.mark.skipif(not shutil.which("fish"), reason="fish is not installed")
@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("rocketctl stop ", {"tick", "tick/7"}),
        ("rocketctl resume ", {"frozen"}),
        ("rocketctl list --tag ", {"db", "night"}),
        ("rocketctl history --since y", {"yesterday"}),
        ("rocketctl run b", {"backup"}),
    ],
)
def test_fish_offers_what_makes_sense(tmp_path: Path, path: str, line: str, offered: set[str]) -> None:
    program = f"{shell_completions.fish()}\ncomplete -C '{line}'\n"
    done = subprocess.run(
        ["fish", "--no-config"],
        input=program,
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": path, "HOME": str(tmp_path)},
        timeout=60,
    )
    assert {one.split("\t")[0] for one in done.stdout.splitlines()} == offered


@pytest.mark.skipif(not shutil.which("zsh"), reason="zsh is not installed")
@pytest.mark.parametrize(
    ("function", "offered"),
    [
        ("_rocketctl_running", ["tick", "tick/7"]),
        ("_rocketctl_paused", ["frozen"]),
        ("_rocketctl_tags", ["db", "night"]),
    ],
)
def test_zsh_offers_what_makes_sense(path: str, function: str, offered: list[str]) -> None:
    """Its lists, as it would add them; the rest of its completion needs a terminal."""
    lists = shell_completions.zsh().partition("_rocketctl_verbs()")[0]
    program = f"compadd() {{ shift; print -l -- $@ }}\n{lists}\n{function}\n"
    done = subprocess.run(
        ["zsh", "-f"], input=program, capture_output=True, text=True, check=True, env={"PATH": path}, timeout=60
    )
    assert done.stdout.split() == offered
