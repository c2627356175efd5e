"""docs/reference/rocketry.md names what there is."""

import inspect
import re
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from rocketd import Config
from rocketd.app.config import REFUSED, WITHOUT_EFFECT

PAGES = Path(__file__).parents[2] / "docs"
PAGE = (PAGES / "reference" / "rocketry.md").read_text()
ROWS = [
    [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
    for line in PAGE.partition("## Words that differ")[0].splitlines()
    if line.startswith("| ") and "|---" not in line and not line.startswith("| Rocketry |")
]
NAMES = sorted({row[1].strip("`") for row in ROWS if row[1]})


@pytest.mark.parametrize("name", NAMES)
def test_each_name_is_there(name: str) -> None:
    owner, _, last = name.rpartition(".")
    if owner == "rocketd.Config":
        assert last in Config.__dataclass_fields__
    elif owner in ("rocketd.Session", "rocketd.Task"):  # what __init__ sets is no attribute of the class
        shown = resolved(owner)
        assert hasattr(shown, last) or f"self.{last}" in Path(inspect.getfile(shown)).read_text()
    else:
        assert resolved(name) is not None


FACADES = {"Config", "Grouper", "Rocketd", "Session", "Task", "args", "conds", "exc", "log", "repos"}


@pytest.mark.parametrize("name", NAMES)
def test_each_name_is_public(name: str) -> None:
    """What lies behind the facades may move."""
    assert name.split(".")[1] in FACADES


@pytest.mark.parametrize("page", sorted(PAGES.rglob("*.md"), key=str), ids=lambda page: page.name)
def test_no_page_imports_what_is_internal(page: Path) -> None:
    found = re.findall(r"(?:from|import) rocketd\.(\w+)", page.read_text())
    assert set(found) <= FACADES


def resolved(name: str) -> Any:  # noqa: ANN401 - a module, a class, whatever has that name
    """Import as much of the dotted name as is a module, and follow the rest."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        try:
            found: Any = import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for part in parts[length:]:
            found = getattr(found, part)
        return found
    raise AssertionError(f"there is no {name}")


def test_each_row_says_what_became_of_a_name() -> None:
    """Same, better or new with something to look up; left out with a reason."""
    for old, new, verdict in ROWS:
        kind = re.match(r"same|better|left out|new", verdict)
        assert kind, old
        assert new or kind[0] == "left out", old
        assert kind[0] == "same" or len(verdict) > len("left out: "), old


def test_each_option_is_on_the_page() -> None:
    for option in (*Config.__dataclass_fields__, *WITHOUT_EFFECT, *REFUSED):
        assert f"{option}`" in PAGE, option
