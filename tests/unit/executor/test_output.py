"""Lines, floods and tails."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rocketd.executor.output import (
    GULP,
    LINE_BYTES,
    SIP,
    WINDOW,
    WINDOW_LINES,
    Output,
    Stream,
    Tail,
)


class Told:
    """An output, its stdout, a clock that stands still, and the lines that were told."""

    def __init__(self, tail: int = 1000) -> None:
        self.now = 0
        self.lines: list[str] = []
        self.output = Output(tail, lambda _stream, line: self.lines.append(line), lambda: self.now)
        self.stream = Stream("stdout")

    def take(self, data: bytes) -> None:
        self.output.take(self.stream, data)

    def end(self) -> str:
        self.output.end(self.stream)
        return self.output.close()


def test_a_line_is_told_when_it_is_complete() -> None:
    told = Told()
    told.take(b"one\ntw")
    assert told.lines == ["one"]
    told.take(b"o\n\nthree")
    assert told.lines == ["one", "two", ""]


def test_the_last_line_needs_no_newline() -> None:
    told = Told()
    told.take(b"one\ntwo")
    assert told.end() == "one\ntwo"
    assert told.lines == ["one", "two"]


@given(st.lists(st.binary(max_size=40)))
def test_lines_do_not_depend_on_how_the_bytes_arrive(pieces: list[bytes]) -> None:
    told = Told()
    for piece in pieces:
        told.take(piece)
    everything = b"".join(pieces)
    expected = everything.removesuffix(b"\n").decode(errors="backslashreplace").split("\n") if everything else []
    assert told.end() == everything.decode(errors="backslashreplace")
    assert told.lines == expected


def test_bytes_that_are_no_text_become_visible() -> None:
    told = Told()
    told.take(b"\xff\xfe \xc3\xa4 \xc3\n")
    assert told.lines == ["\\xff\\xfe ä \\xc3"]


def test_escape_sequences_and_other_line_breaks_are_data() -> None:
    told = Told()
    told.take(b"\x1b[31mred\r\x0b\x0c\xc2\x85\x00\n")
    assert told.lines == ["\x1b[31mred\r\x0b\x0c\x85\x00"]


def test_an_endless_line_is_told_in_pieces_that_are_marked() -> None:
    told = Told()
    told.take(b"x" * (LINE_BYTES * 2 + 5))
    told.take(b"\n")
    assert [len(line) for line in told.lines[:2]] == [LINE_BYTES + 2] * 2
    assert told.lines[0].endswith("x …")
    assert told.lines[2] == "xxxxx"


def test_a_piece_of_an_endless_line_ends_between_characters() -> None:
    told = Told()
    told.take(b"x" + "ä".encode() * LINE_BYTES + b"\n")
    assert "\\x" not in "".join(told.lines)
    assert "".join(line.removesuffix(" …") for line in told.lines) == "x" + "ä" * LINE_BYTES


def test_a_flood_is_told_up_to_its_limit_and_then_counted() -> None:
    told = Told()
    told.take(b"".join(b"%d\n" % n for n in range(WINDOW_LINES + 10)))
    told.take(b"a\nb\n")
    assert len(told.lines) == WINDOW_LINES
    told.now += WINDOW
    told.take(b"calm\n")
    assert told.lines[WINDOW_LINES:] == ["… 12 lines left out, too many at once", "calm"]


def test_what_a_flood_left_out_is_told_at_the_end_at_the_latest() -> None:
    told = Told()
    told.take(b"x\n" * (WINDOW_LINES + 1))
    told.end()
    assert told.lines[-1] == "… 1 line left out, too many at once"


def test_many_bytes_are_a_flood_too() -> None:
    told = Told()
    for _ in range(200):
        told.take(b"x" * (LINE_BYTES - 1) + b"\n")
    assert 100 < len(told.lines) < 110


def test_a_flood_is_read_in_larger_helpings() -> None:
    told = Told()
    assert told.output.helping == SIP
    told.take(b"x\n" * (WINDOW_LINES + 1))
    assert told.output.helping == GULP


def test_a_flood_goes_on_into_the_tail() -> None:
    told = Told(tail=10)
    told.take(b"x\n" * (WINDOW_LINES + 1))
    told.take(b"the\nend\n")
    assert told.end().endswith("the\nend\n")


@pytest.mark.parametrize("chunk", [1, 3, 7, 1000])
def test_a_tail_begins_with_a_line_and_says_what_is_missing(chunk: int) -> None:
    tail = Tail(12)
    data = b"first line\nsecond\nthird\n"
    for at in range(0, len(data), chunk):
        tail.add(data[at : at + chunk])
    assert tail.text() == "… 18 bytes left out\nthird\n"


def test_a_tail_that_begins_exactly_with_a_line_keeps_it() -> None:
    tail = Tail(6)
    tail.add(b"first\nthird\n")
    assert tail.text() == "… 6 bytes left out\nthird\n"


def test_a_tail_of_one_long_line_is_cut_inside_it() -> None:
    tail = Tail(4)
    tail.add(b"0123456789")
    assert tail.text() == "… 6 bytes left out\n6789"


def test_a_tail_of_nothing_keeps_nothing() -> None:
    tail = Tail(0)
    tail.add(b"text\n")
    assert tail.text() == ""


def test_a_tail_needs_no_more_memory_than_twice_its_size() -> None:
    tail = Tail(1000)
    for _ in range(1000):
        tail.add(b"x" * 999 + b"\n")
    assert len(tail._kept) <= 3002  # noqa: SLF001 - its memory cannot be seen otherwise
