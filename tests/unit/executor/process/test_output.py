"""Lines, floods and tails."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rocketd.executor.process.output import (
    DEFAULT_LIMIT,
    LARGE_READ,
    LIMIT_INTERVAL,
    LINE_BYTES,
    LINE_COST,
    SMALL_READ,
    UNLIMITED,
    LineSplitter,
    Output,
    OutputTail,
)

CUT = "… more than 1 KiB within a minute (output_limit): the rest is omitted here"


class Told:
    """An output, its stdout, a clock that stands still, and the lines that were told."""

    def __init__(self, tail: int = 1000, limit: int = DEFAULT_LIMIT) -> None:
        self.now = 0
        self.lines: list[str] = []
        self.taken = True
        self.shortfall = ""
        self.output = Output(tail, self._tell, lambda: self.now, limit)
        self.stream = LineSplitter("stdout")

    def feed(self, data: bytes) -> None:
        self.output.feed(self.stream, data)

    def end(self) -> str:
        self.output.end(self.stream)
        tail, self.shortfall = self.output.close()
        return tail

    def _tell(self, _stream: str, line: str) -> bool:
        self.lines.append(line)
        return self.taken


def test_a_line_is_told_when_it_is_complete() -> None:
    told = Told()
    told.feed(b"one\ntw")
    assert told.lines == ["one"]
    told.feed(b"o\n\nthree")
    assert told.lines == ["one", "two", ""]


def test_the_last_line_needs_no_newline() -> None:
    told = Told()
    told.feed(b"one\ntwo")
    assert told.end() == "one\ntwo"
    assert told.lines == ["one", "two"]


@given(st.lists(st.binary(max_size=40)))
def test_lines_do_not_depend_on_how_the_bytes_arrive(pieces: list[bytes]) -> None:
    told = Told()
    for piece in pieces:
        told.feed(piece)
    everything = b"".join(pieces)
    expected = everything.removesuffix(b"\n").decode(errors="backslashreplace").split("\n") if everything else []
    assert told.end() == everything.decode(errors="backslashreplace")
    assert told.lines == expected


def test_bytes_that_are_no_text_become_visible() -> None:
    told = Told()
    told.feed(b"\xff\xfe \xc3\xa4 \xc3\n")
    assert told.lines == ["\\xff\\xfe ä \\xc3"]


def test_escape_sequences_and_other_line_breaks_are_data() -> None:
    told = Told()
    told.feed(b"\x1b[31mred\r\x0b\x0c\xc2\x85\x00\n")
    assert told.lines == ["\x1b[31mred\r\x0b\x0c\x85\x00"]


def test_an_endless_line_is_told_in_pieces_that_are_marked() -> None:
    told = Told()
    told.feed(b"x" * (LINE_BYTES * 2 + 5))
    told.feed(b"\n")
    assert [len(line) for line in told.lines[:2]] == [LINE_BYTES + 2] * 2
    assert told.lines[0].endswith("x …")
    assert told.lines[2] == "xxxxx"


def test_a_piece_of_an_endless_line_ends_between_characters() -> None:
    told = Told()
    told.feed(b"x" + "ä".encode() * LINE_BYTES + b"\n")
    assert "\\x" not in "".join(told.lines)
    assert "".join(line.removesuffix(" …") for line in told.lines) == "x" + "ä" * LINE_BYTES


def test_a_burst_is_told_to_its_last_line() -> None:
    told = Told()
    burst = b"".join(b"%d\n" % n for n in range(500_000))
    for at in range(0, len(burst), SMALL_READ):
        told.feed(burst[at : at + SMALL_READ])
    told.end()
    assert told.lines == [str(n) for n in range(500_000)]
    assert told.shortfall == ""


def test_a_long_line_is_told_to_its_end() -> None:
    told = Told()
    told.feed(b"x" * 5_000_000 + b"\n")
    told.end()
    assert "".join(line.removesuffix(" …") for line in told.lines) == "x" * 5_000_000


def test_a_flood_is_told_up_to_its_limit_and_then_counted() -> None:
    told = Told(limit=1024)
    told.feed(b"".join(b"%d\n" % n for n in range(100)))
    told.feed(b"a\nb\n")
    lines = [str(n) for n in range(1024 // (2 + LINE_COST))]
    assert told.lines == [*lines, CUT]
    told.now += LIMIT_INTERVAL
    told.feed(b"calm\n")
    missing = sum(len(f"{n}\n") for n in range(len(lines), 100)) + 4
    assert told.lines[len(lines) + 1 :] == [f"… {102 - len(lines)} lines ({missing} bytes) omitted", "calm"]


def test_what_a_flood_left_out_is_told_at_the_end_at_the_latest_and_to_the_record() -> None:
    told = Told(limit=1024)
    told.feed(b"x" * 1000 + b"\n")
    told.end()
    assert told.lines == [CUT, "… 1 line (1001 bytes) omitted"]
    assert told.shortfall == "the journal lacks 1 line (1001 bytes) of its output, beyond output_limit"


def test_the_record_counts_all_gaps_together() -> None:
    told = Told(limit=1024)
    for _ in range(2):
        told.feed(b"x\n" * 2010)
        told.now += LIMIT_INTERVAL
    told.end()
    assert told.shortfall == "the journal lacks 4000 lines (7.8 KiB) of its output, beyond output_limit"


def test_a_flood_without_lines_is_counted_in_bytes() -> None:
    told = Told(limit=1024)
    told.feed(b"x" * LINE_BYTES * 3)
    told.end()
    assert told.lines == [CUT, "… 144 KiB omitted"]


def test_without_a_limit_everything_is_told() -> None:
    told = Told(limit=UNLIMITED)
    for _ in range(70):
        told.feed(b"x" * 1024 * 1024 + b"\n")
    told.end()
    assert sum(len(line.removesuffix(" …")) for line in told.lines) == 70 * 1024 * 1024


def test_a_limit_of_nothing_tells_nothing_and_needs_no_words() -> None:
    told = Told(limit=0)
    told.feed(b"one\ntwo\n")
    assert told.end() == "one\ntwo\n"
    assert (told.lines, told.shortfall) == ([], "")


def test_lines_that_nobody_took_are_counted_for_the_record() -> None:
    told = Told()
    told.feed(b"one\n")
    told.taken = False
    told.feed(b"two\nthree\n")
    told.end()
    assert told.shortfall == "the journal lacks 2 lines of its output because it did not accept them"


def test_a_flood_is_read_in_larger_helpings() -> None:
    told = Told(limit=1024)
    assert told.output.read_size == SMALL_READ
    told.feed(b"x\n" * 1024)
    assert told.output.read_size == LARGE_READ


def test_a_flood_goes_on_into_the_tail() -> None:
    told = Told(tail=10, limit=1024)
    told.feed(b"x\n" * 1024)
    told.feed(b"the\nend\n")
    assert told.end().endswith("the\nend\n")


@pytest.mark.parametrize("chunk", [1, 3, 7, 1000])
def test_a_tail_begins_with_a_line_and_says_what_is_missing(chunk: int) -> None:
    tail = OutputTail(12)
    data = b"first line\nsecond\nthird\n"
    for at in range(0, len(data), chunk):
        tail.add(data[at : at + chunk])
    assert tail.text() == "… 18 bytes omitted\nthird\n"


def test_a_tail_that_begins_exactly_with_a_line_keeps_it() -> None:
    tail = OutputTail(6)
    tail.add(b"first\nthird\n")
    assert tail.text() == "… 6 bytes omitted\nthird\n"


def test_a_tail_that_was_given_only_the_end_does_not_say_how_much_is_missing() -> None:
    tail = OutputTail(6)
    tail.add(b"first\nthird\n")
    assert tail.text(all_added=False) == "… earlier output omitted\nthird\n"


def test_a_tail_of_one_long_line_is_cut_inside_it() -> None:
    tail = OutputTail(4)
    tail.add(b"0123456789")
    assert tail.text() == "… 6 bytes omitted\n6789"


def test_a_tail_keeps_the_end_of_a_long_line_before_a_short_one() -> None:
    tail = OutputTail(100)
    tail.add(b"x" * 5_000_000 + b"\n" + b"end\n")
    assert tail.text() == f"… {5_000_005 - 100} bytes omitted\n{'x' * 95}\nend\n"


def test_a_tail_that_is_cut_inside_a_line_begins_with_a_whole_character() -> None:
    tail = OutputTail(10)
    tail.add("\N{ROCKET}".encode() * 10)
    assert tail.text() == "… 32 bytes omitted\n\N{ROCKET}\N{ROCKET}"


def test_a_tail_of_nothing_keeps_nothing() -> None:
    tail = OutputTail(0)
    tail.add(b"text\n")
    assert tail.text() == ""


def test_a_tail_needs_no_more_memory_than_twice_its_size() -> None:
    tail = OutputTail(1000)
    for _ in range(1000):
        tail.add(b"x" * 999 + b"\n")
    assert len(tail._buffer) <= 3002  # noqa: SLF001 - its memory cannot be seen otherwise
