"""A question that is never answered holds up a load for a while, and is not asked again before it is answered."""

from collections.abc import Callable, Iterator
from threading import Event

import pytest

from rocketd.config import host_queries as module
from rocketd.config.host_queries import HostQueries, NoAnswer, QueryKind, UnansweredQueries, with_timeouts


@pytest.fixture
def hanging(monkeypatch: pytest.MonkeyPatch) -> UnansweredQueries:
    monkeypatch.setattr(module, "TIMEOUT", 0.01)
    monkeypatch.setattr(module, "MIN_TIMEOUT", 0.01)
    return UnansweredQueries()


@pytest.fixture
def answer() -> Iterator[Event]:
    event = Event()
    yield event
    event.set()


class Load:
    """Asks questions, and notes the answers."""

    def __init__(self, hanging: UnansweredQueries) -> None:
        self.asked: list[str] = []
        self._hanging = hanging

    def __call__(self, kind: QueryKind, /, **questions: Callable[[], object]) -> dict[str, object]:
        def work(asker: HostQueries) -> dict[str, object]:
            return {what: self._one(asker, kind, what, question) for what, question in questions.items()}

        return with_timeouts(work, self._hanging)

    def _one(self, asker: HostQueries, kind: QueryKind, what: str, question: Callable[[], object]) -> object:
        def asked() -> object:
            self.asked.append(what)
            return question()

        try:
            return asker.ask(what, kind, asked)
        except NoAnswer:
            return "no answer"


@pytest.fixture
def load(hanging: UnansweredQueries) -> Load:
    return Load(hanging)


def test_an_answer_is_given_and_what_it_raises_is_raised(load: Load) -> None:
    assert load(QueryKind.FILE, one=lambda: 1) == {"one": 1}
    with pytest.raises(ZeroDivisionError):
        load(QueryKind.FILE, nothing=lambda: 1 // 0)


def test_what_hangs_is_given_up_and_the_rest_is_asked_again(
    load: Load, hanging: UnansweredQueries, answer: Event
) -> None:
    assert load(QueryKind.NAME, first=lambda: 1, dead=answer.wait, last=lambda: 2) == {
        "first": 1,
        "dead": "no answer",
        "last": 2,
    }
    assert load.asked == ["first", "dead", "first", "last"]
    assert [one.subject for one in hanging.waiting] == ["dead"]


def test_what_hangs_is_not_asked_again_in_another_load(load: Load, answer: Event) -> None:
    for _ in range(2):
        assert load(QueryKind.NAME, dead=answer.wait) == {"dead": "no answer"}
    assert load.asked == ["dead"]


def test_nor_is_what_lies_in_the_same_directory(load: Load, answer: Event) -> None:
    one, another, elsewhere = "/mnt/dead/a", "/mnt/dead/b", "/mnt/alive"
    questions: dict[str, Callable[[], object]] = {one: answer.wait, another: answer.wait, elsewhere: lambda: 1}
    assert load(QueryKind.PATH, **questions) == {one: "no answer", another: "no answer", elsewhere: 1}
    assert another not in load.asked


def test_no_more_than_so_many_of_one_kind_hang(load: Load, hanging: UnansweredQueries, answer: Event) -> None:
    load(QueryKind.PATH, **{f"/mnt/{number}/x": answer.wait for number in range(QueryKind.PATH.value + 5)})
    assert len(hanging.waiting) == QueryKind.PATH.value
    assert load(QueryKind.FILE, **{"/etc/x": lambda: 1}) == {"/etc/x": 1}


def test_an_answer_that_comes_late_is_told_and_the_thread_ends(
    load: Load, hanging: UnansweredQueries, answer: Event
) -> None:
    told = Event()
    hanging.answered = told.set
    load(QueryKind.FILE, dead=answer.wait, other=lambda: 1)
    answer.set()
    assert told.wait(10)
    assert hanging.waiting == ()
    assert load.asked == ["dead", "other"]
    assert load(QueryKind.FILE, dead=answer.wait) == {"dead": True}


def test_what_is_being_asked_can_be_seen(load: Load, hanging: UnansweredQueries) -> None:
    assert load(QueryKind.FILE, it=lambda: [one.subject for one in hanging.waiting]) == {"it": ["it"]}
    assert hanging.waiting == ()
