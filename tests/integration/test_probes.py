"""What the host shows: real paths, real commands, a real message bus with a systemd of our own on it."""

import asyncio
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from rocketd.core.conditions.host_conditions import CommandSucceeds, EnvironmentIs, LoadBelow, PathExists
from rocketd.core.conditions.probe import Probe
from rocketd.core.instant import FOREVER, SECOND
from rocketd.core.model.events import Observed
from rocketd.executor.process.executor import ProcessExecutor
from rocketd.probes import inotify
from rocketd.probes.commands import MAX_RUNNING, CommandObserver
from rocketd.probes.load_and_env import EnvironmentObserver, LoadObserver
from rocketd.probes.paths import PathObserver
from rocketd.probes.polling import ThreadPolling
from rocketd.probes.prober import HostProber, ReportValue
from support.event_loop import looped
from support.executor_harness import HANG, RealClock
from support.servers.dead_file_server import dead_server


@dataclass
class Doubts:
    """Whatever begins so may hang."""

    beginning: str

    def may_hang(self, *paths: str) -> bool:
        return any(path.startswith(self.beginning) for path in paths)

    def close(self) -> None: ...


class Sights:
    """A prober, and what it reports."""

    def __init__(self) -> None:
        self.reported: asyncio.Queue[Observed] = asyncio.Queue()
        self.prober = HostProber(self.reported.put_nowait, RealClock().now)
        self.prober.add(PathExists, PathObserver(lambda: Doubts("nowhere")))
        self.prober.add(LoadBelow, LoadObserver(lambda: 1.5))
        self.prober.add(EnvironmentIs, EnvironmentObserver({"STAGE": "live"}))
        runner = lambda report: ProcessExecutor(report, lambda *_: None, clock=RealClock())  # noqa: E731 - short
        self.prober.add(CommandSucceeds, CommandObserver(runner, RealClock().now))

    def want(self, *probes: Probe) -> None:
        self.prober.set_probes(frozenset(probes))

    async def next(self) -> Observed:
        async with asyncio.timeout(HANG):
            return await self.reported.get()

    async def shows(self, value: bool | None) -> Observed:  # noqa: FBT001 - a value
        """Wait until that is reported: what the kernel tells twice is reported twice."""
        while (event := await self.next()).value is not value:
            pass
        return event


@asynccontextmanager
async def sights() -> AsyncIterator[Sights]:
    made = Sights()
    try:
        yield made
    finally:
        await made.prober.close()


# -- paths


QUEUE = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())

Act = Callable[[], object]


def there(path: Path) -> bool:
    return path.exists()


@looped
async def path_shows(path: Path, *steps: tuple[bool, Act] | tuple[bool, Act, Act]) -> None:
    """Each step is taken once what came before it is known, and must show what stands before its acts."""
    async with sights() as seen:
        seen.want(PathExists.of(str(path)))
        assert (await seen.next()).value is there(path)
        for value, *acts in steps:
            for act in acts:
                act()
            assert (await seen.shows(value)).problem == ""
            assert there(path) is value


def test_a_file_comes_and_goes(tmp_path: Path) -> None:
    file = tmp_path / "ready"
    path_shows(file, (True, file.touch), (False, file.unlink), (True, file.mkdir), (False, file.rmdir))


def test_a_file_that_somebody_holds_open_is_gone_when_it_is_deleted(tmp_path: Path) -> None:
    file = tmp_path / "ready"
    with file.open("w"):
        path_shows(file, (False, file.unlink))


def test_directories_on_the_way_may_be_missing(tmp_path: Path) -> None:
    file = tmp_path / "a" / "b" / "ready"

    def make() -> None:
        file.parent.mkdir(parents=True)

    path_shows(
        file,
        (True, make, file.touch),
        (False, lambda: shutil.rmtree(tmp_path / "a")),
        (True, make, file.touch),
    )


def test_a_directory_on_the_way_may_be_moved(tmp_path: Path) -> None:
    file, here, away = tmp_path / "a" / "b" / "ready", tmp_path / "a", tmp_path / "away"
    file.parent.mkdir(parents=True)
    file.touch()
    path_shows(file, (False, lambda: here.rename(away)), (True, lambda: away.rename(here)))


def test_a_file_may_be_replaced_by_a_rename(tmp_path: Path) -> None:
    file, new = tmp_path / "ready", tmp_path / "new"
    file.touch()
    new.touch()
    path_shows(file, (True, lambda: new.rename(file)), (False, file.unlink))


def test_links_are_followed_and_may_be_changed(tmp_path: Path) -> None:
    link, one, two = tmp_path / "link", tmp_path / "one", tmp_path / "two"
    one.mkdir()
    two.mkdir()

    def turn(to: Path) -> Act:
        def act() -> None:
            (tmp_path / "new").symlink_to(to.name)
            (tmp_path / "new").rename(link)

        return act

    path_shows(
        link / "ready",
        (True, turn(one), (one / "ready").touch),
        (False, turn(two)),
        (True, (two / "ready").touch),
        (False, link.unlink),
    )


def test_an_absolute_link_and_steps_up_are_followed(tmp_path: Path) -> None:
    (tmp_path / "down").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "down")
    file = tmp_path / "ready"
    path_shows(tmp_path / "link" / ".." / "ready", (True, file.touch), (False, file.unlink))


def test_a_link_to_itself_leads_nowhere_until_it_is_turned(tmp_path: Path) -> None:
    loop = tmp_path / "loop"
    loop.symlink_to("loop")
    path_shows(loop, (True, loop.unlink, loop.touch))


def test_a_file_on_the_way_is_no_directory(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    path_shows(file / "ready", (True, lambda: [file.unlink(), file.mkdir()], (file / "ready").touch))  # type: ignore[func-returns-value] # both, one after the other


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
def test_a_mount_hides_and_shows(tmp_path: Path) -> None:
    file = tmp_path / "place" / "ready"
    file.parent.mkdir()
    file.touch()
    path_shows(
        file,
        (False, lambda: subprocess.run(["mount", "-t", "tmpfs", "tmpfs", file.parent], check=True)),
        (True, file.touch),
        (False, file.unlink),
        (True, lambda: subprocess.run(["umount", file.parent], check=True)),
    )


def test_where_the_kernel_does_not_tell_a_thread_looks(tmp_path: Path) -> None:
    @looped
    async def test() -> None:
        reported: asyncio.Queue[bool | None] = asyncio.Queue()
        observer = PathObserver(lambda: Doubts(str(tmp_path)))
        for probe in (PathExists.of(str(tmp_path)), PathExists.of("/proc/self/stat"), PathExists.of("/sys/none")):
            observer.start(probe, lambda value, _: reported.put_nowait(value))
        assert sorted([await reported.get() for _ in range(3)], key=str) == [False, True, True]
        await observer.close()

    test()


@contextmanager
def room_for(more: int) -> Iterator[None]:
    """Let this process open so many more files."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    highest = max(int(path.name) for path in Path("/proc/self/fd").iterdir())
    held = [os.dup(0)]
    while held[-1] < highest:  # a lower one was free
        held.append(os.dup(0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (held[-1] + 1 + more, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for descriptor in held:
            os.close(descriptor)


FLIPPING = """
import asyncio, ctypes, os, sys, threading
from rocketd.core.conditions.host_conditions import PathExists
from rocketd.executor.process.network_mounts import Mounts
from rocketd.probes.paths import PathObserver

place, libc, parent = sys.argv[1], ctypes.CDLL(None), os.getpid()
if os.fork() == 0:  # the user at play
    while os.getppid() == parent:
        libc.renameat2(-100, f"{place}/a".encode(), -100, f"{place}/b".encode(), 2)
    os._exit(0)

async def looks():
    observer, probe = PathObserver(Mounts), PathExists.of(f"{place}/a/x")
    observer.start(probe, lambda *_: None)
    for _ in range(5000):
        observer._watched[probe].check()
        await asyncio.sleep(0)
    print(threading.active_count())

asyncio.run(looks())
sys.stdout.flush()
os._exit(0)  # a thread hangs, and nobody else
"""


def test_a_link_to_a_dead_file_server_that_comes_and_goes_holds_up_nobody(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x").touch()
    (tmp_path / "b").symlink_to(tmp_path / "dead")
    (tmp_path / "dead").mkdir()
    with dead_server(tmp_path / "dead"):
        done = subprocess.run(
            [sys.executable, "-c", FLIPPING, tmp_path], check=True, timeout=60, stdout=subprocess.PIPE
        )
    assert int(done.stdout) <= 2  # itself, and one that hangs


@looped
async def test_where_there_is_no_inotify_any_more_a_thread_looks(tmp_path: Path) -> None:
    async with sights() as seen:
        with room_for(2):  # the list of mounts, and what tells that it has changed
            seen.want(PathExists.of(str(tmp_path)))
        event = await seen.next()
        assert (event.value, event.problem) == (True, "")


@looped
async def test_a_flood_in_a_directory_is_heard_ten_times_a_second_at_most(tmp_path: Path) -> None:
    async with sights() as seen:
        file = tmp_path / "ready"
        seen.want(PathExists.of(str(file)))
        await seen.next()
        began = asyncio.get_running_loop().time()
        for _ in range(2000):
            file.touch()
            file.unlink()
            await asyncio.sleep(0)
        file.touch()
        await seen.shows(value=True)
        took = asyncio.get_running_loop().time() - began
        assert seen.reported.qsize() <= took * 10 + 2


@looped
async def test_what_is_lost_in_a_flood_is_looked_at_anew(tmp_path: Path) -> None:
    async with sights() as seen:
        file = tmp_path / "ready"
        seen.want(PathExists.of(str(file)))
        await seen.next()
        names = [str(tmp_path / "a"), str(tmp_path / "b")]
        os.close(os.open(names[0], os.O_CREAT))
        for _ in range(QUEUE + 10):
            os.rename(*names)  # noqa: PTH104 - so many
            names.reverse()
        file.touch()
        assert (await seen.shows(value=True)).value


@looped
async def test_what_is_wanted_no_longer_is_not_reported(tmp_path: Path) -> None:
    async with sights() as seen:
        one, two = tmp_path / "one", tmp_path / "two"
        seen.want(PathExists.of(str(one)), PathExists.of(str(two)))
        await seen.next()
        await seen.next()
        seen.want(PathExists.of(str(two)))
        one.touch()
        two.touch()
        assert (await seen.next()).probe == f'path_exists("{two}")'
        assert seen.reported.empty()


# -- commands


@looped
async def command_shows(text: str, value: bool | None, problem: str) -> None:  # noqa: FBT001 - a value
    async with sights() as seen:
        seen.want(CommandSucceeds.of(text, timeout="1s"))
        event = await seen.next()
        assert (event.value, problem in event.problem) == (value, True)
        assert event.good_until == event.at + 90 * SECOND


@pytest.mark.parametrize(
    ("text", "value", "problem"),
    [
        ("true", True, ""),
        ("exit 1", False, ""),
        ("no-such-command", None, "not found"),
        ("kill -9 $$", None, "SIGKILL"),
        ("sleep 1000", None, "it took longer than 1s"),
        ("sleep 1000 & wait", None, "it took longer than 1s"),
        ("yes", None, "it took longer than 1s"),
        ('test -z "$ROCKETD_RUN_ID"', False, ""),
    ],
)
def test_a_command_shows_how_it_ends(text: str, value: bool | None, problem: str) -> None:  # noqa: FBT001 - a value
    command_shows(text, value, problem)


@looped
async def test_a_command_is_tried_at_its_interval() -> None:
    async with sights() as seen:
        seen.want(CommandSucceeds.of("true", every="1s"))
        first, second = await seen.next(), await seen.next()
        assert second.at - first.at >= SECOND // 2


@looped
async def test_a_command_that_is_wanted_no_longer_is_stopped(tmp_path: Path) -> None:
    async with sights() as seen:
        pid_file = tmp_path / "pid"
        seen.want(
            CommandSucceeds.of(f"cd {tmp_path}; echo $$ >new; mv new pid; exec sleep 1000"),
            PathExists.of(str(pid_file)),
        )
        await seen.shows(value=True)
        pidfd = os.pidfd_open(int(pid_file.read_text()))
        seen.want()
        ended = asyncio.Event()
        asyncio.get_running_loop().add_reader(pidfd, ended.set)
        await asyncio.wait_for(ended.wait(), HANG)
        asyncio.get_running_loop().remove_reader(pidfd)
        os.close(pidfd)


@looped
async def test_only_some_commands_run_at_the_same_time(tmp_path: Path) -> None:
    """Each leaves a mark while it runs, and fails if there are too many."""
    script = f"m={tmp_path}/$$; touch $m; sleep 0.1; n=$(ls {tmp_path} | wc -l); rm $m; test $n -le {MAX_RUNNING} #"
    async with sights() as seen:
        seen.want(*(CommandSucceeds.of(f"{script} {number}") for number in range(3 * MAX_RUNNING)))
        assert [(await seen.next()).value for _ in range(3 * MAX_RUNNING)] == [True] * 3 * MAX_RUNNING


# -- the load, the environment


@looped
async def test_the_load_is_compared() -> None:
    async with sights() as seen:
        seen.want(LoadBelow.of(1.5), LoadBelow.of(1.6))
        told = {event.probe: event.value for event in (await seen.next(), await seen.next())}
        assert told == {"load_below(1.5)": False, "load_below(1.6)": True}


@looped
async def test_the_environment_is_told_once_and_for_good() -> None:
    async with sights() as seen:
        probes = (EnvironmentIs.of("STAGE"), EnvironmentIs.of("STAGE", "live"), EnvironmentIs.of("STAGE", "test"))
        seen.want(*probes, EnvironmentIs.of("NONE"))
        events = [await seen.next() for _ in range(4)]
        told = {event.probe: event.value for event in events}
        assert told == {**dict.fromkeys(map(str, probes[:2]), True), str(probes[2]): False, 'env("NONE")': False}
        assert {event.good_until for event in events} == {FOREVER}


# -- what goes wrong


@looped
async def test_an_observer_that_raises_is_a_problem_of_its_probe() -> None:
    class Broken(LoadObserver):
        def start(self, probe: LoadBelow, report: ReportValue) -> None:
            del probe, report
            raise OSError("no such host")

    async with sights() as seen:
        seen.prober.add(LoadBelow, Broken())
        seen.want(LoadBelow.of(1.0), EnvironmentIs.of("STAGE"))
        told = {event.probe: (event.value, event.problem) for event in (await seen.next(), await seen.next())}
        assert told == {"load_below(1.0)": (None, "OSError: no such host"), 'env("STAGE")': (True, "")}


@looped
async def test_a_look_that_raises_is_a_problem() -> None:
    def load() -> float:
        raise OSError("gone")

    async with sights() as seen:
        seen.prober.add(LoadBelow, LoadObserver(load))
        seen.want(LoadBelow.of(1.0))
        event = await seen.next()
        assert (event.value, event.problem) == (None, "gone")


@looped
async def test_a_look_in_a_thread_that_raises_is_a_problem() -> None:
    def look() -> bool:
        raise OSError("gone")

    told = asyncio.Queue[tuple[bool | None, str]]()
    looking = ThreadPolling(look, SECOND, lambda *answer: told.put_nowait(answer))
    assert await told.get() == (None, "gone")
    looking.stop()


@looped
async def test_a_look_that_hangs_is_told_and_its_answer_heard_when_it_comes() -> None:
    """And nobody looks a second time meanwhile."""
    loop, told = asyncio.get_running_loop(), asyncio.Queue[tuple[bool | None, str]]()
    reader, writer = os.pipe()
    looks = []

    def look() -> bool:
        looks.append(1)
        return os.read(reader, 1) == b"y"

    looking = ThreadPolling(look, SECOND // 100, lambda *answer: told.put_nowait(answer), timeout=SECOND // 20)
    assert await told.get() == (None, "no answer within 50ms")
    assert len(looks) == 1
    os.write(writer, b"y")
    assert await told.get() == (True, "")
    looking.stop()
    os.write(writer, b"nn")  # lets a thread go that has begun to look again
    assert loop.is_running()


def test_the_pause_after_each_event_is_short() -> None:
    """What waits for it waits this long at most."""
    assert inotify.PAUSE <= 0.05
