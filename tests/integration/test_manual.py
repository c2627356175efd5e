"""The manual as Sphinx makes it: no warning, no link that leads nowhere, and man pages that are up to date."""

import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).parents[2]


def build(builder: str, into: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "sphinx",
        "--quiet",
        "--fail-on-warning",
        "--nitpicky",
        "-b",
        builder,
        "docs",
        str(into),
    ]
    done = subprocess.run(command, cwd=TOP, capture_output=True, text=True, check=False)
    assert (done.stderr, done.returncode) == ("", 0)


def test_the_site_has_every_page_and_no_link_that_leads_nowhere(tmp_path: Path) -> None:
    build("html", tmp_path)
    pages = {page.relative_to(TOP / "docs").with_suffix(".html") for page in (TOP / "docs").rglob("*.md")}
    assert pages - {page.relative_to(tmp_path) for page in tmp_path.rglob("*.html")} == set()


def test_the_man_pages_are_what_the_manual_says(tmp_path: Path) -> None:
    """`make docs` writes them anew."""
    build("man", tmp_path)
    made = {page.name: page.read_text() for page in tmp_path.glob("*.7")}
    assert made == {page.name: page.read_text() for page in (TOP / "packaging/man").glob("*.7")}
    assert len(made) == 3
