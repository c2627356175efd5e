"""Which announcements matter to a host."""

import os

import pytest

from rocketd.fleet.announcements import CHANGED, FREE, announce, concerns, hash_of
from rocketd.fleet.member_thread import MemberThread


def hashes(*names: str) -> frozenset[str]:
    return frozenset(map(hash_of, names))


def test_what_was_recorded_matters_to_those_that_wait_for_it() -> None:
    text = f"{CHANGED} {hash_of('extract')} {hash_of('other')}"
    assert concerns(text, hashes("extract"), hashes("extract", "load"))
    assert not concerns(text, hashes("load"), hashes("extract", "load"))


def test_a_task_without_an_owner_matters_to_those_that_have_it() -> None:
    text = f"{FREE} {hash_of('extract')}"
    assert concerns(text, (), hashes("extract"))
    assert not concerns(text, hashes("extract"), hashes("load"))


@pytest.mark.parametrize("text", ["", " ", CHANGED, FREE, "moved abc", "\x00", "changed\n"])
def test_what_cannot_be_read_is_a_reason_to_look(text: str) -> None:
    assert concerns(text, (), ())


class Connection:
    """Keeps what is sent."""

    def __init__(self) -> None:
        self.sent: list[str] = []

    def execute(self, _: str, values: dict[str, str]) -> None:
        assert values["channel"] == "rocketd.prod.tasks"
        self.sent.append(values["text"])


def test_an_announcement_names_no_task_and_is_short_enough() -> None:
    connection = Connection()
    announce(connection, "prod", CHANGED, [])  # type: ignore[arg-type]  # it is only called
    assert not connection.sent
    announce(connection, "prod", CHANGED, ["load", "load"])  # type: ignore[arg-type]  # as above
    announce(connection, "prod", FREE, [f"t{number}" for number in range(400)])  # type: ignore[arg-type]  # as above
    announce(connection, "prod", FREE, [f"t{number}" for number in range(401)])  # type: ignore[arg-type]  # as above
    assert connection.sent[0] == f"{CHANGED} {hash_of('load')}"
    assert len(connection.sent[1]) < 8000
    assert connection.sent[2] == FREE


def test_the_thread_of_a_member_is_woken_by_work_and_by_its_connection() -> None:

    work: list[int] = []
    thread = MemberThread("fleet", lambda: None)
    reading, writing = os.pipe()
    os.write(writing, b"x")
    thread.wait_until(lambda: work, 60, reading)
    os.read(reading, 1)
    with thread.changing():
        work.append(1)
    thread.wait_until(lambda: work, 60, reading)
    thread.wait_until(lambda: not work, 0, -1)  # a wakeup without work is none
    thread.release()
    with thread.changing():
        work.append(2)
    os.close(reading)
    os.close(writing)
