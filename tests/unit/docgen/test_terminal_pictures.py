"""Pictures of a terminal: where each text stands, in which style."""

from docgen.terminal_pictures import Span, picture, spans, wrapped


def test_a_line_is_split_by_styles() -> None:
    line = "\x1b[1mTASK\x1b[0m  \x1b[2m\x1b[31mbad\x1b[0m"
    found = [(span.text, set(span.codes)) for span in spans(line)]
    assert found == [("TASK", {"1"}), ("  ", set()), ("bad", {"2", "31"})]


def test_a_long_line_is_broken_as_a_terminal_does() -> None:
    rows = wrapped([Span("abcd", frozenset()), Span("efghi", frozenset())], 6)
    assert ["".join(span.text for span in row) for row in rows] == ["abcdef", "ghi"]


def test_words_keep_their_columns_and_are_text() -> None:
    drawn = picture("rocketctl list", "a   <b>\r\n\x1b[32mfine\x1b[0m\r\n", 80)
    assert '<text x="49.6" y="49" textLength="25.2">&lt;b&gt;</text>' in drawn
    assert 'fill="#57ab5a">fine</text>' in drawn
    assert "<b>" not in drawn
