"""Several things at the same time: what is begun is done by the end of the next `wait`."""

import threading
from collections.abc import Iterator
from functools import partial

import pytest

from rocketd.executor.process.spawn_pool import THREADS, SpawnPool

PATIENCE = 60.0
"""Seconds after which a test fails that waits for others who never come."""


@pytest.fixture
def pool() -> Iterator[SpawnPool]:
    made = SpawnPool(lambda: True)
    yield made
    made.close()


def test_one_more_than_there_are_hands_go_on_at_the_same_time(pool: SpawnPool) -> None:
    together = threading.Barrier(THREADS + 1)
    for _ in range(THREADS + 1):
        pool.submit(lambda: void(together.wait(PATIENCE)))
    pool.wait()
    assert not together.broken


def test_a_lone_one_is_done_by_whoever_asks_for_it_and_no_thread_begins(pool: SpawnPool) -> None:
    before, by = threading.active_count(), []
    pool.submit(lambda: by.append(threading.get_ident()))
    pool.wait()
    assert by == [threading.get_ident()]
    assert threading.active_count() == before


def test_all_of_many_are_done_once(pool: SpawnPool) -> None:
    done: list[int] = []
    for turn in range(3):
        for number in range(100):
            pool.submit(partial(done.append, number))
        pool.wait()
        assert sorted(done) == sorted([*range(100)] * (turn + 1))


def test_what_one_of_them_raises_holds_up_nobody(pool: SpawnPool, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[object] = []
    monkeypatch.setattr(threading, "excepthook", lambda told_of: told.append(told_of.exc_value))
    together = threading.Barrier(2)

    def fail() -> None:
        together.wait(PATIENCE)
        raise RuntimeError

    pool.submit(fail)  # the last is the caller's own: this one is a thread's
    pool.submit(lambda: void(together.wait(PATIENCE)))
    pool.wait()
    assert [type(error) for error in told] == [RuntimeError]


def test_each_thread_is_prepared_once_before_it_does_anything() -> None:
    prepared: list[int] = []
    seen: list[bool] = []

    def prepare() -> bool:
        prepared.append(threading.get_ident())
        return True

    pool = SpawnPool(prepare)
    for _ in range(100):
        pool.submit(lambda: seen.append(threading.get_ident() in {*prepared, threading.main_thread().ident}))
    pool.wait()
    pool.close()
    assert len(prepared) == len(set(prepared)) == THREADS
    assert all(seen)


def test_without_threads_the_caller_does_it_all() -> None:
    by = set()
    pool = SpawnPool(lambda: True, max_threads=0)
    for _ in range(10):
        pool.submit(lambda: by.add(threading.get_ident()))
    pool.wait()
    assert by == {threading.get_ident()}


def test_a_thread_that_cannot_be_prepared_does_nothing() -> None:
    by = set()
    pool = SpawnPool(lambda: False)
    for _ in range(10):
        pool.submit(lambda: by.add(threading.get_ident()))
    pool.wait()
    assert by == {threading.get_ident()}


def test_no_thread_is_left_when_they_are_closed() -> None:
    before = set(threading.enumerate())
    pool = SpawnPool(lambda: True)
    for _ in range(10):
        pool.submit(lambda: None)
    pool.wait()
    hired = set(threading.enumerate()) - before
    pool.close()
    for thread in hired:
        thread.join(PATIENCE)
    assert len(hired) == THREADS
    assert not any(thread.is_alive() for thread in hired)


def void(_value: object) -> None: ...
