"""What waits is bounded, and what does not fit is counted at one place."""

from rocketd.journal.backlog import OVERHEAD, Backlog, EncodedMessage

LINE = ("x" * 900,)
COST = OVERHEAD + 900


def filled(lines: int) -> Backlog:
    """Room for ten entries, and so for five lines of output."""
    backlog = Backlog(10 * COST)
    for _ in range(lines):
        backlog.add(LINE, is_output=True)
    return backlog


def test_output_fills_half_of_it_and_leaves_the_rest_to_events() -> None:
    backlog = filled(7)
    assert (len(backlog), backlog.dropped) == (5, 2)
    for _ in range(6):
        backlog.add(LINE, is_output=False)
    assert (len(backlog), backlog.dropped) == (10, 3)


def test_once_a_line_was_left_out_the_next_are_too_so_that_there_is_one_gap() -> None:
    backlog = filled(6)
    backlog.drain(lambda _: True, 3)
    backlog.add(LINE, is_output=True)
    assert (len(backlog), backlog.dropped) == (2, 2)
    backlog.dropped = 0  # the gap has been told
    backlog.add(LINE, is_output=True)
    assert (len(backlog), backlog.dropped) == (3, 0)


def test_draining_stops_at_a_refusal_and_loses_nothing() -> None:
    backlog = Backlog()
    for text in ("one", "two", "three"):
        backlog.add((text,), is_output=False)
    sent: list[EncodedMessage] = []

    def send(encoded: EncodedMessage) -> bool:
        if encoded == ("two",) and len(sent) == 1:
            sent.append(())
            return False
        sent.append(encoded)
        return True

    backlog.drain(send, 10)
    assert len(backlog) == 2
    backlog.drain(send, 10)
    assert sent == [("one",), (), ("two",), ("three",)]


def test_draining_frees_what_was_taken() -> None:
    backlog = filled(5)
    backlog.drain(lambda _: True, 5)
    for _ in range(5):
        backlog.add(LINE, is_output=True)
    assert (len(backlog), backlog.dropped) == (5, 0)


def test_draining_is_bounded() -> None:
    backlog = filled(5)
    backlog.drain(lambda _: True, 2)
    assert len(backlog) == 3
