"""Units, by systemd's signals: a real message bus, and a systemd that tells in any order, or nothing at all."""

import asyncio
import itertools
import shutil
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from dbus_fast import Message, Variant

from rocketd.core.model.events import Finished, Spawned, Withdrawn
from rocketd.core.model.run import Cause, Usage
from rocketd.core.model.task import Command, Task
from rocketd.executor.unit import connection, executor, supervisor
from rocketd.executor.unit.connection import ManagerConnection
from rocketd.executor.unit.context import UnitContext
from rocketd.executor.unit.executor import UnitExecutor
from rocketd.executor.unit.output_viewer import OutputViewer
from rocketd.executor.unit.run_files import RunFiles
from rocketd.executor.unit.run_journal import RunJournal
from rocketd.executor.unit.unit_name import object_path
from rocketd.system_bus import SystemdFilter
from support.event_loop import looped
from support.executor_harness import HANG, RealClock, a_run
from support.servers.message_bus import Bus, send_to_others
from support.servers.scripted_systemd import (
    EXITED,
    MANAGER,
    NAME,
    PROPERTIES,
    ROOT,
    SERVICE,
    UNIT,
    UNKNOWN,
    ScriptedSystemd,
)

pytestmark = pytest.mark.skipif(shutil.which("dbus-daemon") is None, reason="needs a message bus")

TASK = Task("job", Command(("/bin/job",)))
SECOND = 1_000_000


class Scene:
    """An executor, and the systemd that it talks to."""

    def __init__(self, directory: Path) -> None:
        self.bus, self.systemd = Bus(directory), ScriptedSystemd()
        self.bus.begin()
        self.connection = ManagerConnection(self.bus.address)
        context = UnitContext(
            RealClock(),
            RunFiles(directory),
            service="",
            connection=self.connection,
            journal=RunJournal(str(directory / "no journald")),
        )
        self.told: asyncio.Queue[Spawned | Finished | Withdrawn] = asyncio.Queue()
        self.executor = UnitExecutor(self.told.put_nowait, (lambda *_: None, lambda *_: None), context)

    def start(self) -> str:
        """Start a run; return the name of its unit."""
        run = a_run(TASK)
        self.executor.start(TASK, run)
        return f"rocketd-job-{run.number}.service"

    async def next(self, kind: type[Spawned | Finished | Withdrawn]) -> Spawned | Finished | Withdrawn:
        """Wait for the next event, which must be of that kind."""
        async with asyncio.timeout(HANG):
            event = await self.told.get()
        assert isinstance(event, kind), event
        return event

    async def ends(self) -> Finished:
        """Wait for the end of a run that may or may not have been told to have a process before."""
        while not isinstance(event := await self.next(Spawned | Finished), Finished):  # type: ignore[arg-type] # a union
            pass
        return event


@asynccontextmanager
async def scene(directory: Path) -> AsyncIterator[Scene]:
    made = Scene(directory)
    await made.systemd.begin(made.bus.address)
    try:
        yield made
    finally:
        await made.executor.close()
        await made.connection.close()
        made.systemd.end()
        made.bus.end()


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is tried again is tried again soon."""
    monkeypatch.setattr(supervisor, "RETRY", 0.05)
    monkeypatch.setattr(connection, "FIRST_PAUSE", 0.02)
    monkeypatch.setattr(connection, "LONGEST_PAUSE", 0.05)


SIGNALS = ("job", "running", "process", "exited", "exit code")


@looped
async def test_a_run_ends_whatever_is_told_first_also_before_the_answer_to_its_start(tmp_path: Path) -> None:
    """All 120 orders of five signals, with the answer before, between and after them."""
    async with scene(tmp_path) as at:
        for order, before in itertools.product(itertools.permutations(SIGNALS), (0, 2, 5)):
            early, late = order[:before], order[before:]

            def answer(call: Message, early: Sequence[str] = early) -> Message:
                reply = at.systemd.answer(call)
                for what in early:
                    at.systemd.tell(call.body[0], what)
                return reply

            def started(unit: str, late: Sequence[str] = late) -> None:
                for what in late:
                    at.systemd.tell(unit, what)

            at.systemd.answers["StartTransientUnit"] = [answer]
            at.systemd.started = started
            at.start()
            finished = await at.ends()
            assert finished.end.exit_code == 3, (order, before)
            assert at.told.empty()
            at.executor.recorded(finished.run)


@pytest.mark.parametrize("missing", ["running", "process", "job"])
def test_a_run_ends_though_a_signal_is_missing(tmp_path: Path, missing: str) -> None:
    """Systemd tells of the last state only, if states follow fast."""

    async def test() -> None:
        async with scene(tmp_path) as at:

            def started(unit: str) -> None:
                for what in SIGNALS:
                    if what != missing:
                        at.systemd.tell(unit, what)

            at.systemd.started = started
            at.start()
            assert (await at.ends()).end.exit_code == 3

    asyncio.run(test())


@looped
async def test_what_was_told_to_nobody_while_systemd_read_its_units_anew_is_found_then(tmp_path: Path) -> None:
    async with scene(tmp_path) as at:
        unit = at.start()
        await at.next(Spawned)
        at.systemd.tell_reloading(active=True)
        at.systemd.exits(unit)
        at.systemd.tell_reloading(active=False)
        assert (await at.ends()).end.exit_code == 3
        assert at.systemd.calls.count("Subscribe") == 2


@looped
async def test_an_end_that_is_asked_for_while_systemd_executes_itself_anew_is_asked_for_again(tmp_path: Path) -> None:
    """The bus says that there is no answer; what comes next on the bus is the systemd that knows."""
    async with scene(tmp_path) as at:
        unit = at.start()
        await at.next(Spawned)
        asked = asyncio.Event()
        at.systemd.answers["GetAll"] = [lambda _: asked.set()]
        at.systemd.exits(unit)
        at.systemd.tell_state(unit)
        async with asyncio.timeout(HANG):
            await asked.wait()
        at.systemd.end()
        await at.systemd.begin(at.bus.address)
        assert (await at.ends()).end.exit_code == 3


@looped
async def test_a_start_without_an_answer_is_no_second_start_and_no_withdrawal(tmp_path: Path) -> None:
    """Systemd has started the unit, and executes itself anew before it says so."""
    async with scene(tmp_path) as at:
        asked = asyncio.Event()

        def started(call: Message) -> None:
            at.systemd.load(call.body[0], call.body[2])
            at.systemd.exits(call.body[0])
            asked.set()

        at.systemd.answers["StartTransientUnit"] = [started]
        at.start()
        async with asyncio.timeout(HANG):
            await asked.wait()
        at.systemd.end()
        await at.systemd.begin(at.bus.address)
        assert (await at.ends()).end.exit_code == 3
        assert at.systemd.calls.count("StartTransientUnit") == 2  # the second was refused: it is there


@looped
async def test_an_end_that_systemd_would_not_tell_is_asked_for_again(tmp_path: Path) -> None:
    async with scene(tmp_path) as at:
        unit = at.start()
        await at.next(Spawned)
        refused = f"{NAME}.SomethingElse"
        at.systemd.answers["GetAll"] = [lambda call: Message.new_error(call, refused, "not now")] * 2
        at.systemd.exits(unit)
        at.systemd.tell_state(unit)
        assert (await at.ends()).end.exit_code == 3


@looped
async def test_a_run_that_is_stopped_ends_when_it_does_though_its_unit_cannot_be_kept(tmp_path: Path) -> None:
    async with scene(tmp_path) as at:
        unit = at.start()
        spawned = await at.next(Spawned)
        full = "org.freedesktop.DBus.Error.LimitsExceeded"
        at.systemd.answers["RefUnit"] = [lambda call: Message.new_error(call, full, "no more match rules")]
        stopped = asyncio.Event()

        def stop(call: Message) -> Message:
            stopped.set()
            return at.systemd.answer(call)

        at.systemd.answers["StopUnit"] = [stop]
        at.executor.stop(spawned.run, Cause.OPERATOR)
        async with asyncio.timeout(HANG):
            await stopped.wait()
        assert at.told.empty()
        at.systemd.tell(unit, "exited")
        assert (await at.ends()).end.exit_code == 3


def give_up(*_: object) -> None:
    """End a loop that spins: no timeout of its own would."""
    raise AssertionError("the loop hangs")


@looped
async def test_whoever_asks_again_at_once_when_the_bus_has_gone_holds_up_nothing(tmp_path: Path) -> None:
    """Between the loss of a connection and its being noticed, a loop that asks again must not keep it from that."""
    async with scene(tmp_path) as at:
        manager = await at.connection.manager()
        signal.signal(signal.SIGALRM, give_up)
        signal.alarm(30)
        try:
            manager.close()
            for _ in range(20):  # one of them comes in between
                at.start()
                await asyncio.sleep(0)
            for _ in range(20):
                await at.next(Spawned)
        finally:
            signal.alarm(0)


def test_an_end_does_not_wait_for_ever_for_its_output_to_be_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A journal may hand out the same entry again and again."""

    async def never_ends(_: OutputViewer) -> None:
        while True:  # noqa: ASYNC110 - as a reader that always has one more line
            await asyncio.sleep(0)

    async def test() -> None:
        async with scene(tmp_path) as at:
            unit = at.start()
            await at.next(Spawned)
            at.systemd.tell(unit, "exited")
            assert (await at.ends()).end.exit_code == 3

    monkeypatch.setattr(executor, "SHOWN", 0.05)
    monkeypatch.setattr(OutputViewer, "catch_up", never_ends)
    asyncio.run(test())


@looped
async def test_services_of_the_administrator_are_left_alone_at_a_start(tmp_path: Path) -> None:
    """Of what has the name of a run and has ended, only that is collected which is one."""
    async with scene(tmp_path) as at:
        old = [["StandardErrorFileToAppend", Variant("s", str(tmp_path / "s"))]]
        for unit, field in (("rocketd-old-7.service", b"ROCKETD_RUN_ID=r"), ("rocketd-their-7.service", b"A=b")):
            at.systemd.load(unit, [*old, ["LogExtraFields", Variant("aay", [b"ROCKETD_RUN_ID=r"])]])
            at.systemd.services[unit]["LogExtraFields"] = Variant("aay", [field])
            at.systemd.states[unit] = "exited"
        at.systemd.states["rocketd-my-service.service"] = "exited"
        stopped: list[str] = []
        at.systemd.answers["StopUnit"] = [lambda call: stopped.append(call.body[0]) or at.systemd.answer(call)] * 9  # type: ignore[func-returns-value] # None
        assert await at.executor.adopt([], {}) == {}
        assert stopped == ["rocketd-old-7.service"]


@looped
async def test_what_anybody_but_systemd_tells_counts_for_nothing(tmp_path: Path) -> None:
    """Any user may send a signal to any connection of the system bus, whatever it has subscribed to."""
    async with scene(tmp_path) as at:
        unit = at.start()
        await at.next(Spawned)
        path, state = object_path(unit), {"SubState": Variant("s", "exited")}
        asked = len(at.systemd.calls)
        owner = [NAME, "", ":1.99"]
        await send_to_others(
            at.bus.address,
            Message.new_signal(path, PROPERTIES, "PropertiesChanged", "sa{sv}as", [SERVICE, EXITED, []]),
            Message.new_signal(path, PROPERTIES, "PropertiesChanged", "sa{sv}as", [UNIT, state, []]),
            Message.new_signal(path, PROPERTIES, "PropertiesChanged", "sss", [UNIT, "", ""]),
            Message.new_signal(ROOT, MANAGER, "JobRemoved", "uoss", [1, f"{ROOT}/job/1", unit, "failed"]),
            Message.new_signal(ROOT, MANAGER, "Reloading", "b", [False]),
            Message.new_signal("/org/freedesktop/DBus", "org.freedesktop.DBus", "NameOwnerChanged", "sss", owner),
        )
        at.systemd.tell(unit, "exited")
        finished = await at.next(Finished)
        assert isinstance(finished, Finished)
        assert finished.end.exit_code == 3
        assert at.systemd.calls[asked:] == ["GetAll"]


@looped
async def test_a_large_signal_of_anybody_is_not_even_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Any user may send one of 32 MiB, which takes ten seconds to decode."""
    decoded: list[int] = []

    def note(signals: SystemdFilter, message: Message) -> None:
        decoded.append(sum(len(each) for each in message.body if isinstance(each, list)))
        handle(signals, message)

    handle = SystemdFilter.__call__  # it sees all that is decoded
    monkeypatch.setattr(SystemdFilter, "__call__", note)
    async with scene(tmp_path) as at:
        unit = at.start()
        await at.next(Spawned)
        few, many = ([Variant("y", 1)] * count for count in (1_000, 100_000))
        large = [Message.new_signal("/a", "a.b", "C", "av", [each]) for each in (many, few, many, few)]
        await send_to_others(at.bus.address, *large)
        at.systemd.tell(unit, "exited")
        assert (await at.ends()).end.exit_code == 3
        assert [count for count in decoded if count >= 1_000] == [1_000, 1_000]


@looped
async def test_what_a_run_has_used_is_read_as_systemd_tells_it(tmp_path: Path) -> None:
    """With the controllers, without them, and by versions that do not know a property."""
    known = {
        "CPUUsageNSec": Variant("t", 1_234_567_890),
        "MemoryPeak": Variant("t", 50 << 20),
        "IOReadBytes": Variant("t", 8192),
        "IOWriteBytes": Variant("t", 0),
    }
    cases = [
        (known, Usage(1_234_567, 50 << 20, 8192, 0)),
        ({**known, "MemoryPeak": Variant("t", UNKNOWN)}, Usage(1_234_567, None, 8192, 0)),
        ({name: Variant("t", UNKNOWN) for name in known}, Usage()),
        ({}, Usage()),
    ]
    async with scene(tmp_path) as at:
        for values, usage in cases:
            unit = at.start()
            await at.next(Spawned)
            for name in known.keys() - values.keys():
                at.systemd.services[unit].pop(name, None)
            at.systemd.exits(unit, **values)
            at.systemd.tell_state(unit)
            assert (await at.ends()).end.usage == usage
