"""`rocketctl calendar`: a file for a country, and what is known; `explain` and `check` read the same files."""

import json
import sys
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import NamedTuple

import pytest

from rocketd.cli.rocketctl import main
from rocketd.config.date_lines import read_dates
from rocketd.core.model.work_calendar import YearRange


class Answer(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def etc(tmp_path: Path) -> Path:
    place = tmp_path / "etc"
    place.mkdir(mode=0o755)
    dates = place / "de.dates"
    dates.write_text("covers 2026..2027\n2026-12-25 Christmas Day\n+2026-12-26 stocktaking\n")
    (place / "rocketd.toml").write_text(f'[calendar.default]\nholidays = ["{dates}"]\n[calendar.nyse]\nweekend = []\n')
    for file in place.iterdir():
        file.chmod(0o644)
    return place


def said(etc: Path, *arguments: str) -> Answer:
    with redirect_stdout(StringIO()) as out, redirect_stderr(StringIO()) as err:
        code = main(["--config-dir", str(etc), *arguments])
    return Answer(code, out.getvalue(), err.getvalue())


def test_a_file_for_a_country_is_one_that_can_be_read(etc: Path) -> None:
    pytest.importorskip("holidays")
    made = said(etc, "calendar", "make", "de-by", "2026..2028")
    listed, problems = read_dates(made.out, "/x", b"")
    assert (made.code, made.err, problems, listed.covers) == (0, "", (), YearRange(2026, 2028))
    assert len(listed.days) > 30
    assert 'weekend = ["Sat", "Sun"]' in made.out
    assert said(etc, "calendar", "make", "DE-Augsburg", "2026").code == 0
    assert len(json.loads(said(etc, "--json", "calendar", "make", "XNYS", "1").out)) > 5
    exchanged, problems = read_dates(said(etc, "calendar", "make", "CN", "2025").out, "/x", b"")
    assert problems == ()
    assert exchanged.workdays, "days of the weekend on which people work"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("make", "DE-XX"), 1, "does not know a part 'XX'"),
        (("make", "XX", "2026"), 1, "does not know a country or market 'XX'"),
        (("make", "DE", "2099..2102"), 1, "to 2100 only"),
        (("make", "DE", "soon"), 2, "are not years"),
        (("make", "DE", "2028..2026"), 2, "are not years in order"),
        (("make",), 2, "takes a country"),
        (("make", "DE", "2026", "more"), 2, "takes a country"),
        (("sho",), 2, "did you mean show?"),
        (("show", "nyze"), 1, "did you mean nyse?"),
        (("show", "a", "b"), 2, "takes a name and a year"),
        ((), 2, "required"),
    ],
)
def test_what_cannot_be_done_is_said(etc: Path, arguments: tuple[str, ...], code: int, words: str) -> None:
    pytest.importorskip("holidays")
    found = said(etc, "calendar", *arguments)
    assert found.code == code
    assert words in found.err


def test_without_the_library_it_says_what_to_install(etc: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "holidays", None)
    found = said(etc, "calendar", "make", "DE")
    assert found.code == 1
    assert "rocketd[holidays]" in found.err


def test_the_calendars_and_their_days_are_shown(etc: Path) -> None:
    assert said(etc, "calendar", "show").out.split("\n")[1].split() == [
        "default", "Sat,", "Sun", "2026", "to", "2027", str(etc / "de.dates"),
    ]  # fmt: skip
    days = said(etc, "calendar", "show", "2026").out.split("\n")
    assert [" ".join(line.split()) for line in days[1:-1]] == [
        f"Fri 2026-12-25 Christmas Day {etc}/de.dates",
        f"Sat 2026-12-26 stocktaking (a working day) {etc}/de.dates",
    ]
    assert "nothing is known of 2028" in said(etc, "calendar", "show", "default", "2028").err
    assert json.loads(said(etc, "--json", "calendar", "show").out)[1] == {
        "calendar": "nyse", "weekend": [], "covers": None, "files": [], "problem": "",
    }  # fmt: skip
    (etc / "de.dates").unlink()
    assert "there is no such file" in said(etc, "calendar", "show", "default").err
    (etc / "rocketd.toml").unlink()
    assert "No calendars are set" in said(etc, "calendar", "show").out


def test_explain_reads_the_files_and_says_which(etc: Path) -> None:
    text = "cron('0 6 * * *') & workday"
    found = said(etc, "explain", text, "--from", "2026-12-24 07:00", "--timezone", "UTC", "-n", "2")
    assert f"Dates from: {etc}/de.dates" in found.out
    assert [line[:20] for line in found.out.split("\n") if line.startswith(("Sat", "Mon"))] == [
        "Sat 2026-12-26 06:00", "Mon 2026-12-28 06:00",
    ]  # fmt: skip
    assert "there is no calendar 'nyze'" in said(etc, "explain", "daily & workday('nyze')").err
    assert "nothing is known of any day" in said(etc, "explain", f"daily & dates('{etc}/gone')").err


def test_check_knows_the_calendars_for_a_file_that_is_not_installed(etc: Path, tmp_path: Path) -> None:
    file = tmp_path / "new.toml"
    file.write_text("[task.a]\ncommand = ['/bin/true']\nwhen = \"daily & workday('nyse')\"\n")
    assert said(etc, "check", str(file)).code == 0
    file.write_text("[task.a]\ncommand = ['/bin/true']\nwhen = \"daily & workday('nyze')\"\n")
    found = said(etc, "check", str(file))
    assert (found.code, "did you mean nyse?" in found.out) == (1, True)
