"""What is to be handed back is handed back, whatever else happens in the same moment."""

from collections.abc import Collection, Mapping
from contextlib import nullcontext
from typing import Any, cast

from rocketd.core.instant import Duration
from rocketd.fleet.exchange_types import OwnershipObserver
from rocketd.fleet.member_tasks import Exchanges, MemberTasks
from rocketd.fleet.record_reader import RecordReader
from rocketd.fleet.task_exchange import TaskExchange


class NotedReleases:
    """A database that takes what is handed back."""

    def __init__(self) -> None:
        self.obstacle = ""
        self.is_rebuilt = True
        self.released: list[tuple[list[str], str]] = []

    def release(self, _: object, released: Mapping[str, Duration], obstacle: str) -> None:
        """Note it."""
        self.released.append(([*released], obstacle))

    def forget(self, names: Collection[str]) -> None:
        """Own these no longer."""


class OneThread:
    """The member, where the loop and its thread are one."""

    def changing(self) -> Any:  # noqa: ANN401 - a context
        """Nobody else is there."""
        return nullcontext()

    def in_transaction(self) -> Any:  # noqa: ANN401 - a context
        """Nothing can fail."""
        return nullcontext()


def test_a_host_that_leaves_hands_back_what_a_new_epoch_came_before() -> None:
    """The loop ends right after it has handed back, before its thread has: nothing is lost of that."""
    database = NotedReleases()
    nobody = cast("OwnershipObserver", None)
    tasks = MemberTasks(
        cast("TaskExchange", database), nobody, cast("RecordReader", None), cast("Exchanges", OneThread())
    )
    tasks.release(["tick"], 0, "rocketd is shutting down")
    tasks.begin_epoch(1, (), 0)
    tasks.leave()
    assert database.released == [(["tick"], "rocketd is shutting down")]
    tasks.leave()
    assert len(database.released) == 1
