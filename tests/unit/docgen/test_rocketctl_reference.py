"""What is written about `rocketctl` is what it does."""

import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from docgen.rocketctl_reference import EXAMPLES, MADE

from rocketd.cli.command_table import GLOBAL, VERBS
from rocketd.cli.parser import parse
from rocketd.cli.rocketd import main

TOP = Path(__file__).parents[3]
PAGES = sorted((TOP / "packaging" / "man").glob("*.[1578]"))


@pytest.mark.parametrize("name", MADE)
def test_what_is_made_from_the_table_is_up_to_date(name: str) -> None:
    assert (TOP / name).read_text(encoding="utf-8") == MADE[name](), "call python -m docgen.rocketctl_reference ."


@pytest.mark.parametrize("name", MADE)
def test_every_verb_and_option_is_in_the_pages_and_completions(name: str) -> None:
    if name.endswith(".5"):
        return  # it is about files
    made = MADE[name]().replace("\\-", "-")
    for verb in VERBS:
        assert verb.name in made
        for option in (*verb.options, *GLOBAL):
            assert option.names[-1].removeprefix("--" if name.endswith(".fish") else "") in made


@pytest.mark.parametrize("example", [example.split(" && ")[0] for example, _ in EXAMPLES])
def test_the_examples_of_the_man_page_are_commands(example: str) -> None:
    program, *arguments = shlex.split(example)
    assert program == "rocketctl"
    assert parse(arguments)


def test_an_option_of_the_daemon_has_one_spelling(capsys: pytest.CaptureFixture[str]) -> None:
    """An abbreviation in a unit file would stop to work with the next option that begins like it."""
    with pytest.raises(SystemExit):
        main(["--vers"])
    assert "unrecognized arguments: --vers" in capsys.readouterr().err


def test_every_option_of_the_daemon_is_in_its_page(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    page = (TOP / "packaging" / "man" / "rocketd.8").read_text().replace("\\-", "-")
    options = {word.strip(",[]") for word in capsys.readouterr().out.split() if word.strip(",[]").startswith("--")}
    assert options
    assert not {option for option in options if option not in page}


@pytest.mark.skipif(not shutil.which("groff"), reason="groff is not installed")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_roff_has_nothing_to_say_about_the_pages(page: Path) -> None:
    done = subprocess.run(["groff", "-man", "-ww", "-z", "-Kutf8", page], capture_output=True, text=True, check=True)
    assert done.stderr == ""
