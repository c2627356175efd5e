"""Records that wait where there is room: behind the end of a file on a full disk, then in the runtime directory.

The disk is a tmpfs of its own; what begins on a full one is put together of what can be read.
"""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rocketd.core.errors import StoreError
from rocketd.core.history.history import History
from rocketd.core.instant import DAY, HOUR, SECOND
from rocketd.core.model.events import Event, Finished, Missed, Spawned, Started, Withdrawn
from rocketd.core.model.records import Alive, Change, TaskState
from rocketd.core.model.run import Action, Cause, End, Run, Trigger
from rocketd.daemon.store_writes import write_batches
from rocketd.store.spool_places import SpoolPlaces
from rocketd.store.spool_store import SpoolStore, open_existing_reader
from rocketd.store.sqlite.rows import Origin
from rocketd.store.sqlite.store import SqliteStore

NOW = 1_790_000_000 * SECOND
HERE = Origin("here", "this-boot")


def run(number: int, task: str = "backup") -> Run:
    return Run(task, number, f"id-{task}-{number}", 1, NOW, NOW + number, Trigger.SCHEDULE, "daily")


def whole(number: int) -> list[Change]:
    return [Started(run(number)), Finished(run(number), End(Action.SUCCESS, Cause.EXIT, NOW + number + 1))]


def filled(directory: Path) -> None:
    """Fill the disk that a directory is on, to the last byte."""
    with (directory / "ballast").open("ab", buffering=0) as ballast:
        for size in (1 << 16, 1):
            while True:
                try:
                    ballast.write(bytes(size))
                except OSError:
                    break


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small disk: 700 KiB."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=700k", "tmpfs", str(place)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False).returncode:
        pytest.skip("mounts a disk of its own")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


def drained(spool: SpoolPlaces) -> list[Change]:
    given: list[Change] = []
    spool.drain(lambda calls: given.extend(change for call in calls for change in call))
    return given


def test_a_full_disk_takes_some_hundred_records_and_then_the_other_place_does_and_order_is_kept(
    disk: Path, tmp_path: Path
) -> None:
    spool = SpoolPlaces(disk, tmp_path)
    filled(disk)
    put = 0
    while not spool.warning:
        put += 1
        spool.append(whole(put))
    assert put > 50
    for number in range(put + 1, put + 30):
        spool.append(whole(number))
    again = SpoolPlaces(disk, tmp_path)  # the next daemon
    assert again.pending == put + 29
    expected = [change for number in range(1, put + 30) for change in whole(number)]
    assert list(again.contents()) == expected
    (disk / "ballast").unlink()
    assert drained(again) == expected
    assert not again.pending
    assert not again.warning
    assert (disk / "spool.jsonl").stat().st_blocks > 0, "and there is room for the next time"


def test_a_spool_that_is_in_the_second_place_stays_there_until_it_is_drained(disk: Path, tmp_path: Path) -> None:
    """Else what is newer would be given before what is older."""
    spool = SpoolPlaces(disk, tmp_path)
    filled(disk)
    number = 0
    while not spool.warning:
        number += 1
        spool.append(whole(number))
    (disk / "ballast").unlink()
    spool.append(whole(number + 1))
    assert drained(spool) == [change for one in range(1, number + 2) for change in whole(one)]


def until_full(spool: SpoolPlaces) -> None:
    for number in range(10_000):
        spool.append(whole(number + 1))


def test_where_nothing_takes_anything_that_is_said_about_the_state_directory(disk: Path) -> None:
    runtime = disk / "run"
    runtime.mkdir()
    spool = SpoolPlaces(disk, runtime)
    filled(disk)
    with pytest.raises(StoreError, match=f"{disk}/spool.jsonl: No space left on device") as raised:
        until_full(spool)
    assert raised.value.lasting


def test_what_does_not_get_in_whole_leaves_nothing_of_it(disk: Path) -> None:
    (disk / "run").mkdir()
    spool = SpoolPlaces(disk, disk / "run")
    filled(disk)
    long = [Finished(run(1), End(Action.FAIL, Cause.EXIT, NOW, output="x" * 500_000))]
    with pytest.raises(StoreError):
        spool.append(long)
    spool.append(whole(2))
    assert drained(spool) == whole(2)


# -- a store that cannot be written at the start


@st.composite
def stories(draw: st.DrawFn) -> list[list[Change]]:
    """Batches of what could happen to two tasks."""
    batches: list[list[Change]] = [[TaskState(name, "1 UTC", NOW, 1) for name in "ab"]]
    going: list[Run] = []
    now, numbers = NOW, {"a": 0, "b": 0}
    for _ in range(draw(st.integers(1, 10))):
        now += draw(st.integers(1, HOUR))
        kind = draw(st.sampled_from(["start", "start", "end", "end", "withdraw", "spawn", "missed", "alive", "pause"]))
        name = draw(st.sampled_from("ab"))
        if kind == "start":
            numbers[name] += 1
            one = Run(name, numbers[name], f"id-{name}-{numbers[name]}", 1, now, now, Trigger.SCHEDULE, "daily")
            going.append(one)
            batches.append([Started(one)])
        elif kind == "missed":
            batches.append([Missed(name, f"missed-{now}", now, now, now, 1, "paused")])
        elif kind == "alive":
            batches.append([Alive(now)])
        elif kind == "pause":
            batches.append([TaskState(name, "1 UTC", NOW, numbers[name] + 1, paused=True, paused_by="uid 1")])
        elif going and kind == "spawn":
            batches.append([Spawned(draw(st.sampled_from(going)), 4711, 99, now)])
        elif going:
            one = going.pop(draw(st.integers(0, len(going) - 1)))
            action = draw(st.sampled_from([Action.SUCCESS, Action.FAIL, Action.CRASH]))
            end = Finished(one, End(action, Cause.EXIT, now))
            batches.append([end if kind == "end" else Withdrawn(one, now, "no process")])
    return batches


def learned(events: Sequence[Event]) -> list[object]:
    """What conditions are told, by whatever events that are."""
    history = History()
    for event in events:
        history.learn(event)
    pasts = [history.of(name) for name in "ab"]
    return [
        (
            *(
                past.last_scheduled,
                past.scheduled_end,
                {**past.running},
                max((use.last for use in past.consumed), default=0),
            ),
            *(max((use.last for use in past.completed), default=0), [crash.at for crash in past.crashes]),
            {action: (seen.at, seen.run) for action, seen in past.last_events.items()},
        )
        for past in pasts
    ]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(story=stories(), kept=st.integers(0, 10), again=st.integers(0, 3))
def test_a_store_behind_its_spool_answers_as_it_will_once_it_has_it(
    story: list[list[Change]], kept: int, again: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Also where the store has had some of what is still in the spool, as after a crash."""
    directory = tmp_path_factory.mktemp("state")
    kept = min(kept, len(story))
    with closing(SqliteStore(directory, origin=HERE)) as store:
        for batch in story[:kept]:
            store.write(batch)
    spool = SpoolPlaces(directory, tmp_path_factory.mktemp("run"))
    for batch in story[max(kept - again, 0) :]:
        spool.append(batch)
    reader = open_existing_reader(directory)
    assert reader is not None
    spooled = SpoolStore(directory, lambda: pytest.fail("nobody writes"), reader, spool, HERE)
    with closing(SqliteStore(tmp_path_factory.mktemp("other"), origin=HERE)) as whole_store:
        for batch in story:
            whole_store.write(batch)
        assert dict(spooled.states()) == dict(whole_store.states())
        assert sorted(spooled.open_runs(), key=str) == sorted(whole_store.open_runs(), key=str)
        assert spooled.last_alive() == whole_store.last_alive()
        assert learned(spooled.recovery_events({}, NOW + DAY)) == learned(whole_store.recovery_events({}, NOW + DAY))
    spooled.close()


def test_it_writes_as_soon_as_it_can_be_opened(tmp_path: Path) -> None:
    """Nothing was ever recorded there."""
    spool = SpoolPlaces(tmp_path, tmp_path)
    spool.append(whole(1))
    reader = open_existing_reader(tmp_path)
    assert reader is not None
    full = [True]

    def make() -> SqliteStore:
        if full[0]:
            raise StoreError("full", temporary=True, lasting=True)
        return SqliteStore(tmp_path, origin=HERE)

    spooled = SpoolStore(tmp_path, make, reader, spool, HERE)
    assert [event.run.number for event in spooled.recovery_events({}, NOW) if not isinstance(event, Missed)] == [1, 1]
    with pytest.raises(StoreError):
        spooled.write(whole(2))
    full[0] = False
    spool.drain(lambda calls: write_batches(spooled, calls))
    spooled.write(whole(2))
    assert spooled.states()["backup"].next_number == 3
    assert len(spooled.recovery_events({}, NOW)) == 2
    spooled.close()


def test_who_may_read_a_store_on_a_full_disk_reads_it(disk: Path) -> None:
    with closing(SqliteStore(disk)) as store:
        store.write(whole(1))
    filled(disk)
    reader = open_existing_reader(disk)
    assert reader is not None
    assert reader.states()["backup"].next_number == 2
    reader.close()


def test_a_store_whose_daemon_was_killed_is_read_on_a_full_disk(disk: Path) -> None:
    script = (
        "import os, sys; from pathlib import Path; sys.path.insert(0, sys.argv[2])\n"
        "from test_spool_places import SqliteStore, whole\n"
        "SqliteStore(Path(sys.argv[1])).write(whole(1)); os.kill(os.getpid(), 9)"
    )
    here = str(Path(__file__).parent)
    subprocess.run([sys.executable, "-c", script, str(disk), here], check=False)
    filled(disk)
    reader = open_existing_reader(disk)
    assert reader is not None
    assert reader.states()["backup"].next_number == 2
    reader.close()
