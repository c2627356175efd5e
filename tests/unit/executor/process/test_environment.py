"""Environment files, as EnvironmentFile= of systemd.exec(5) reads them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rocketd.executor.process.environment import parse_environment


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A=1\nB=two words\n", {"A": "1", "B": "two words"}),
        ("A=1", {"A": "1"}),
        ("# A=1\n; B=2\n\n   \nno assignment\nC=3\n", {"C": "3"}),
        ("  A  =  spaced  \n", {"A": "spaced"}),
        ("A=\nB=b", {"A": "", "B": "b"}),
        ("A='single $x \\n \" '\n", {"A": 'single $x \\n " '}),
        ('A="double \\" \\\\ \\$x \\n"\n', {"A": 'double " \\ $x \\n'}),
        ('A="over\ntwo lines"\nB=b', {"A": "over\ntwo lines", "B": "b"}),
        ("A=joined \\\n  lines\nB=b", {"A": "joined   lines", "B": "b"}),
        ("A=a\\ b\\\\c\\  \n", {"A": "a b\\c "}),
        ("A='one'\"two\"three\n", {"A": "onetwothree"}),
        ("A=it's\n", {"A": "it's"}),
        ("A=x=y#z;\n", {"A": "x=y#z;"}),
        ("A=1\r\nB=2\r\n", {"A": "1", "B": "2"}),
        ("A=1\nA=2\n", {"A": "2"}),
        ("=nothing\n", {}),
    ],
)
def test_a_file_is_read_as_systemd_reads_it(text: str, expected: dict[str, str]) -> None:
    assert dict(parse_environment(text)) == expected


@pytest.mark.parametrize("text", ["A='open\n", 'A="open\n', 'A="x\\'])
def test_a_quote_must_be_closed(text: str) -> None:
    with pytest.raises(ValueError, match="is not closed"):
        list(parse_environment(text))


@given(st.text(alphabet="A= \t\n\\'\"#;b$`", max_size=40))
def test_any_text_gives_assignments_or_says_what_is_wrong(text: str) -> None:
    try:
        assignments = list(parse_environment(text))
    except ValueError:
        return
    assert all(name and "=" not in name for name, _ in assignments)
