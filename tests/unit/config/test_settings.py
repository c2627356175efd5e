"""One table of keys: the reference, the packaged file and the examples agree with it."""

from pathlib import Path

import pytest
from docgen.settings_reference import reference

from rocketd.config import load
from rocketd.config.daemon_settings import Settings
from rocketd.config.setting import Section
from rocketd.config.settings import SETTINGS
from support.task_files import Folder, messages

ROOT = Path(__file__).parents[3]
EXAMPLES = sorted((ROOT / "etc/examples").rglob("*.toml"))


def test_the_reference_is_what_the_table_says() -> None:
    """`python -m docgen.settings_reference > docs/reference/settings.md` writes it anew."""
    assert (ROOT / "docs/reference/settings.md").read_text() == reference()


def test_every_setting_is_explained() -> None:
    for settings in SETTINGS.values():
        for setting in settings.values():
            assert f"| `{setting.key}`" in reference()
            assert setting.meaning.endswith(".")


def test_the_packaged_file_holds_the_defaults(folder: Folder) -> None:
    folder.write("rocketd.toml", (ROOT / "etc/rocketd/rocketd.toml").read_text())
    loaded = folder.load()
    assert (messages(loaded), loaded.settings) == ([], Settings())


def test_the_packaged_file_names_every_key() -> None:
    text = (ROOT / "etc/rocketd/rocketd.toml").read_text()
    for section in (Section.ROCKETD, Section.STORE):
        assert [key for key in SETTINGS[section] if f"{key} = " not in text] == []


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_every_example_is_right(example: Path) -> None:
    """Apart from users and programs that are not on every host."""
    loaded = load([example], strict=False)
    wrong = [problem for problem in loaded.problems if problem.severity == "error"]
    assert [str(problem) for problem in wrong if "there is no user" not in problem.message] == []
