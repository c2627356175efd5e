"""What keeps a commit from being released."""

import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest

TOP: Final = Path(__file__).parents[2]
GIT: Final = ("git", "-c", "user.name=nobody", "-c", "user.email=nobody@example.org")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "rocketd").mkdir()
    (tmp_path / "packaging").mkdir()
    shutil.copy(TOP / "packaging" / "release", tmp_path / "packaging")
    (tmp_path / "rocketd" / "__init__.py").write_text('__version__ = "1.2.3"\n')
    (tmp_path / "CHANGELOG.md").write_text("# Changelog\n\n## [1.2.3] - 2026-11-29\n\n## [1.2.2] - 2026-10-01\n")
    git(tmp_path, "init", "--quiet")
    commit(tmp_path)
    return tmp_path


def git(project: Path, *words: str) -> None:
    subprocess.run([*GIT, *words], cwd=project, check=True, capture_output=True, timeout=60)


def commit(project: Path) -> None:
    git(project, "add", "--all")
    git(project, "commit", "--quiet", "--message", "state")


def refusal(project: Path) -> str:
    command = [str(project / "packaging" / "release"), "may-begin"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode == 0) == (not done.stderr)
    return done.stderr.removeprefix("rocketd: not released: ").strip()


def test_a_commit_whose_version_is_in_the_changelog_may_be_released(project: Path) -> None:
    assert refusal(project) == ""


def test_changes_that_are_not_committed_are_not_released(project: Path) -> None:
    (project / "new").touch()
    assert refusal(project) == "there are changes that are not committed"


@pytest.mark.parametrize(
    "heading", ["## [Unreleased]", "## [1.2.3]", "## [11.2.3] - 2026-11-29", "## [1.2.30] - 2026-11-29"]
)
def test_a_version_without_a_dated_section_is_not_released(project: Path, heading: str) -> None:
    (project / "CHANGELOG.md").write_text(f"# Changelog\n\n{heading}\n")
    commit(project)
    assert refusal(project).startswith("CHANGELOG.md has no section '## [1.2.3] - YYYY-MM-DD'")


def test_a_version_is_released_once(project: Path) -> None:
    git(project, "tag", "v1.2.3")
    assert refusal(project) == "there is a tag v1.2.3 already"
