"""docs/reference/rocketry.md names what there is."""

import re
from importlib import import_module
from pathlib import Path

import pytest

from rocketd.app.config import REFUSED, WITHOUT_EFFECT, Config

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "rocketry.md").read_text()
ROWS = [
    [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
    for line in PAGE.partition("## Words that mean")[0].splitlines()
    if line.startswith("| ") and "|---" not in line and not line.startswith("| Rocketry |")
]
NAMES = sorted({row[1].strip("`") for row in ROWS if row[1]})


@pytest.mark.parametrize("name", NAMES)
def test_each_name_is_there(name: str) -> None:
    if name.startswith("rocketd.app.config.Config."):
        assert name.rpartition(".")[2] in Config.__dataclass_fields__
    elif name.startswith(("rocketd.app.session.Session.", "rocketd.app.task.Task.")):
        owner = name.split(".")[-2]
        module = import_module(name.partition(f".{owner}.")[0])
        source = Path(str(module.__file__)).read_text()
        last = name.rpartition(".")[2]
        assert hasattr(getattr(module, owner), last) or f"self.{last}" in source
    else:
        assert resolved(name) is not None


def resolved(name: str) -> object:
    """Import as much of the dotted name as is a module, and follow the rest."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        try:
            found: object = import_module(".".join(parts[:length]))
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
