"""Every key, value, and character inside a text is found again in the document."""

import pytest
import tomli
from hypothesis import given, settings
from hypothesis import strategies as st

from rocketd.config.problems import Mistake, Path
from rocketd.config.toml_positions import Place, Positions

DOCUMENT = """\
# ä comment
[task.backup]
command = ["/bin/ä", "b",
  "c"]  # of two lines
when = "daily"
limits = { nofile = 1, a.b = 2 }
"quoted \\t key" = 1
dotted."a b".c = [{ x = 1 }, [2, 3]]

[[task.list]]
x = 1
[[task.list]]
x = 2
[task.'literal name']
"ä" = "ö"
"""


def place(path: Path, text: str = DOCUMENT, **more: int) -> Place:
    return Positions(text).find(Mistake(path, "", start=more.get("start", 0), end=more.get("end", 0)))


def written(found: Place) -> str:
    return found.source_line[found.column - 1 : found.column - 1 + found.width]


@pytest.mark.parametrize(
    ("path", "line", "shown"),
    [
        (("task", "backup", "when"), 5, '"daily"'),
        (("task", "backup", "command"), 3, '["/bin/ä", "b",'),
        (("task", "backup", "command", 0), 3, '"/bin/ä"'),
        (("task", "backup", "command", 1), 3, '"b"'),
        (("task", "backup", "command", 2), 4, '"c"'),
        (("task", "backup", "limits", "nofile"), 6, "1"),
        (("task", "backup", "limits", "a", "b"), 6, "2"),
        (("task", "backup", "quoted \t key"), 7, "1"),
        (("task", "backup", "dotted", "a b", "c", 0, "x"), 8, "1"),
        (("task", "backup", "dotted", "a b", "c", 1, 1), 8, "3"),
        (("task", "list", 0, "x"), 11, "1"),
        (("task", "list", 1, "x"), 13, "2"),
        (("task", "literal name", "ä"), 15, '"ö"'),
    ],
)
def test_finds_values(path: Path, line: int, shown: str) -> None:
    found = place(path)
    assert (found.line, written(found)) == (line, shown)


@pytest.mark.parametrize(
    ("path", "line", "shown"),
    [
        (("task",), 2, "task"),
        (("task", "backup"), 2, "backup"),
        (("task", "backup", "when"), 5, "when"),
        (("task", "backup", "limits", "a", "b"), 6, "b"),
        (("task", "backup", "dotted", "a b"), 8, '"a b"'),
        (("task", "list", 1), 12, "task.list"),
    ],
)
def test_finds_keys(path: Path, line: int, shown: str) -> None:
    found = Positions(DOCUMENT).find(Mistake(path, "", at_key=True))
    assert (found.line, written(found)) == (line, shown)


def test_shows_the_nearest_key_for_what_it_does_not_know() -> None:
    assert written(place(("task", "backup", "when", "x", 3))) == "when"
    assert written(place(("task", "backup", "other"))) == "backup"
    assert place(("other",)) == Place(1, 1, 1, "# ä comment")


@pytest.mark.parametrize(
    "value",
    [
        '"daily & x"',
        "'daily & x'",
        '"""daily & x"""',
        "'''daily & x'''",
        '"""\ndaily & x"""',
        "'''\ndaily & x'''",
        '"""daily \\\n   & x"""',
        '"""\\\n  daily & x"""',
        '"da\\u0069ly \\U00000026 x"',
        '"daily \\x26 x"',
    ],
)
def test_finds_characters_inside_a_text_however_it_is_written(value: str) -> None:
    text = f"when = {value}\n"
    assert tomli.loads(text)["when"] == "daily & x"
    assert written(place(("when",), text, start=8, end=9)) == "x"
    assert written(place(("when",), text, start=0, end=2)) == "da"


def test_finds_the_line_inside_a_text_of_several_lines() -> None:
    found = place(("when",), 'when = """\n  daily\n  & hourley\n"""\n', start=12, end=19)
    assert (found.line, found.column, written(found)) == (3, 5, "hourley")


def test_what_goes_on_over_the_line_is_underlined_to_its_end() -> None:
    found = place(("when",), 'when = """\ndaily\n& x"""', start=0, end=9)
    assert (found.line, found.width) == (2, 5)


def test_an_empty_place_has_a_width() -> None:
    assert place(("when",), 'when = "daily &"', start=7, end=7).width == 1


def test_an_offset_beyond_the_text_is_its_end() -> None:
    assert place(("when",), 'when = "ab"', start=99, end=100).column == 11


def test_finds_a_word_in_a_text() -> None:
    positions = Positions("when = \"after_success('other')\"")
    assert written(positions.find(Mistake(("when",), "", word="other"))) == "other"
    assert written(positions.find(Mistake(("when",), "", word="none"))) == "\"after_success('other')\""


def test_survives_a_newer_toml_that_tree_sitter_does_not_know() -> None:
    text = "a = {\n  x = 1, # why\n  y = 2,\n}\n[b]\nz = 1\n"
    assert tomli.loads(text)
    assert written(place(("a", "y"), text)) == "2"
    assert written(place(("b", "z"), text)) == "1"


@pytest.mark.parametrize("key", ['"\\u0061b"', '"\\U00000061b"', "'ab'", "ab", '"a\\u0062"'])
def test_finds_a_key_however_it_is_written(key: str) -> None:
    assert written(place(("ab", "x\ty"), f'{key}."x\\ty" = 1')) == "1"


def test_survives_what_is_no_key_any_more() -> None:
    """A file may have changed between two readings."""
    for text in ('"\\UFFFFFFFF" = 1', '"\\u00" = 1', "a =\n[b]\nc = 1", "[]\n[[]]\n= 1", "a = {=}", "[#\n]"):
        assert place(("b", "x"), text).line >= 1


FRAGMENTS = [
    "[",
    "]",
    "[[",
    "]]",
    "{",
    "}",
    "=",
    ".",
    ",",
    "a",
    "b ",
    '"',
    "'",
    '"""',
    "\n",
    "#",
    "\\",
    "\\u00",
    "1",
    "ä",
    " ",
]


@settings(deadline=None)
@given(st.lists(st.sampled_from(FRAGMENTS), max_size=30).map("".join))
def test_survives_fragments(text: str) -> None:
    assert place(("a", "b"), text).line >= 1


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"])) | st.text("[]{}=.,\"'# \n\\xae1"))
def test_survives_anything(text: str) -> None:
    found = place(("task", "a", "when"), text)
    assert found.line >= 1
    assert found.column >= 1


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), st.data())
def test_each_character_of_an_escaped_text_is_found(value: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(value) - 1))
    escaped = [f"\\U{ord(char):08x}" if char in '"\\' or not char.isprintable() else char for char in value]
    text = 'x = "' + "".join(escaped) + '"'
    found = place(("x",), text, start=at, end=at + 1)
    assert written(found) == escaped[at]
