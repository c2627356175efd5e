"""Units of systemd, by its signals: a real message bus, and on it a systemd that does as the test says."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from dbus_fast import BusType, Message, PropertyAccess, Variant
from dbus_fast.aio import MessageBus
from dbus_fast.annotations import DBusBool, DBusObjectPath, DBusStr
from dbus_fast.service import ServiceInterface, dbus_method, dbus_property, dbus_signal

from rocketd.core.conditions.host_conditions import UnitActive
from rocketd.probes.systemd_units import UnitObserver
from support.event_loop import looped
from support.executor_harness import HANG
from support.servers.message_bus import Bus, send_to_others

pytestmark = pytest.mark.skipif(shutil.which("dbus-daemon") is None, reason="needs a message bus")

NAME = "org.freedesktop.systemd1"
PROPERTIES = "org.freedesktop.DBus.Properties"
UNIT = "/org/freedesktop/systemd1/unit/"
DB = UnitActive.of("db.service")
WEB = UnitActive.of("web.service")


class Unit(ServiceInterface):
    def __init__(self, state: str) -> None:
        super().__init__(f"{NAME}.Unit")
        self.state = state

    @dbus_property(access=PropertyAccess.READ, name="ActiveState")
    def active_state(self) -> DBusStr:
        return self.state

    def turn(self, state: str) -> None:
        self.state = state
        self.emit_properties_changed({"ActiveState": state})


class Manager(ServiceInterface):
    def __init__(self, paths: dict[str, str]) -> None:
        super().__init__(f"{NAME}.Manager")
        self.paths = paths
        self.subscribed = 0
        self.loaded: list[str] = []

    @dbus_method(name="Subscribe")
    def subscribe(self) -> None:
        self.subscribed += 1

    @dbus_method(name="LoadUnit")
    def load_unit(self, name: DBusStr) -> DBusObjectPath:
        self.loaded.append(name)
        return self.paths[name]

    @dbus_signal(name="Reloading")
    def reloading(self, active: DBusBool) -> DBusBool:
        return active


class Systemd:
    """A systemd with the units db, which is active, and web, which is not."""

    def __init__(self) -> None:
        self.db, self.web, self.other = Unit("active"), Unit("inactive"), Unit("active")
        self.manager = Manager({"db.service": f"{UNIT}db", "web.service": f"{UNIT}web"})

    async def begin(self, address: str) -> None:
        self.bus = await MessageBus(bus_address=address, bus_type=BusType.SYSTEM).connect()
        self.bus.export("/org/freedesktop/systemd1", self.manager)
        for name, unit in (("db", self.db), ("web", self.web), ("other", self.other)):
            self.bus.export(f"{UNIT}{name}", unit)
        await self.bus.request_name(NAME)

    async def begin_anew(self, address: str) -> None:
        """As `systemctl daemon-reexec` does: it leaves the bus and comes back."""
        self.bus.disconnect()
        await self.begin(address)


class Scene:
    def __init__(self, directory: Path) -> None:
        self.bus, self.systemd = Bus(directory), Systemd()
        self.told: asyncio.Queue[tuple[str, bool | None, str]] = asyncio.Queue()
        self.observer = UnitObserver(self.bus.address, retry=0.05)

    def want(self, probe: UnitActive) -> None:
        self.observer.start(probe, lambda value, problem: self.told.put_nowait((probe.unit, value, problem)))

    async def next(self) -> tuple[str, bool | None, str]:
        async with asyncio.timeout(HANG):
            return await self.told.get()

    async def shows(self, value: bool | None) -> str:  # noqa: FBT001 - a value
        """Wait for the first that is told so, and give its problem."""
        while (told := await self.next())[1] is not value:
            pass
        return told[2]


@asynccontextmanager
async def scene(directory: Path) -> AsyncIterator[Scene]:
    made = Scene(directory)
    made.bus.begin()
    await made.systemd.begin(made.bus.address)
    try:
        yield made
    finally:
        await made.observer.close()
        with suppress(Exception):
            made.systemd.bus.disconnect()
        made.bus.end()


@looped
async def test_a_unit_is_asked_about_once_and_heard_of_from_then_on(tmp_path: Path) -> None:
    async with scene(tmp_path) as at:
        at.want(DB)
        assert await at.next() == ("db.service", True, "")
        for state, value in (("reloading", True), ("deactivating", False), ("failed", False), ("active", True)):
            at.systemd.db.turn(state)
            assert await at.next() == ("db.service", value, "")
        assert at.systemd.manager.loaded == ["db.service"]


@looped
async def test_what_anybody_but_systemd_tells_counts_for_nothing(tmp_path: Path) -> None:
    async with scene(tmp_path) as at:
        at.want(DB)
        await at.next()
        failed, owner = {"ActiveState": Variant("s", "failed")}, [NAME, "", ":1.99"]
        await send_to_others(
            at.bus.address,
            Message.new_signal(f"{UNIT}db", PROPERTIES, "PropertiesChanged", "sa{sv}as", [f"{NAME}.Unit", failed, []]),
            Message.new_signal("/org/freedesktop/DBus", "org.freedesktop.DBus", "NameOwnerChanged", "sss", owner),
        )
        at.systemd.db.turn("reloading")
        assert await at.next() == ("db.service", True, "")


@looped
async def test_several_units_share_one_connection(tmp_path: Path) -> None:
    async with scene(tmp_path) as at:
        at.want(DB)
        await at.next()
        at.want(WEB)
        assert await at.next() == ("web.service", False, "")
        at.systemd.web.turn("active")
        assert await at.next() == ("web.service", True, "")
        assert at.systemd.manager.subscribed == 1


@looped
async def test_a_unit_that_is_wanted_no_longer_is_not_told_of_and_may_come_back(tmp_path: Path) -> None:
    async with scene(tmp_path) as at:
        at.want(WEB)
        at.want(DB)
        await at.next()
        await at.next()
        at.observer.stop(DB)
        at.systemd.db.turn("failed")
        at.systemd.web.turn("active")
        assert await at.next() == ("web.service", True, "")
        at.want(DB)
        assert await at.next() == ("db.service", False, "")
        at.systemd.db.turn("active")
        assert await at.next() == ("db.service", True, "")


@looped
async def test_after_a_reload_a_name_may_mean_another_unit(tmp_path: Path) -> None:
    async with scene(tmp_path) as at:
        at.want(WEB)
        assert await at.next() == ("web.service", False, "")
        at.systemd.manager.paths["web.service"] = f"{UNIT}other"
        at.systemd.manager.reloading(False)  # noqa: FBT003 - its signature
        await at.shows(value=True)
        at.systemd.web.turn("active")
        at.systemd.other.turn("failed")
        assert await at.next() == ("web.service", False, "")


@looped
async def test_a_systemd_that_has_begun_anew_is_subscribed_to_again(tmp_path: Path) -> None:
    async with scene(tmp_path) as at:
        at.want(DB)
        await at.next()
        at.systemd.db.state = "inactive"
        await at.systemd.begin_anew(at.bus.address)
        await at.shows(value=False)
        assert at.systemd.manager.subscribed == 2


@looped
async def test_a_unit_that_systemd_refuses_is_a_problem_of_its_own(tmp_path: Path) -> None:
    async with scene(tmp_path) as at:
        at.want(UnitActive.of("none.service"))
        assert await at.shows(value=None)
        at.want(DB)
        await at.shows(value=True)


@looped
async def test_a_unit_that_systemd_did_not_tell_of_is_asked_about_again(tmp_path: Path) -> None:
    late = UnitActive.of("late.service")
    async with scene(tmp_path) as at:
        at.want(late)
        for _ in range(2):
            assert await at.shows(value=None)
        at.systemd.manager.paths[late.unit] = f"{UNIT}db"
        await at.shows(value=True)
        at.systemd.db.turn("inactive")
        await at.shows(value=False)


@looped
async def test_without_a_bus_a_unit_is_unknown_until_there_is_one(tmp_path: Path) -> None:
    async with scene(tmp_path) as at:
        at.systemd.bus.disconnect()
        at.bus.end()
        at.want(DB)
        assert "Connection refused" in await at.shows(value=None)
        at.bus.begin()
        await at.systemd.begin(at.bus.address)
        await at.shows(value=True)


@looped
async def test_a_bus_that_goes_makes_its_units_unknown(tmp_path: Path) -> None:
    async with scene(tmp_path) as at:
        at.want(DB)
        await at.next()
        at.bus.end()
        assert await at.shows(value=None)
        at.bus.begin()
        await at.systemd.begin(at.bus.address)
        await at.shows(value=True)


@looped
async def test_without_a_unit_the_bus_is_left_and_joined_again_with_the_next(tmp_path: Path) -> None:
    async with scene(tmp_path) as at:
        for times, probe in enumerate((DB, WEB), 1):
            at.want(probe)
            assert (await at.next())[0] == probe.unit
            assert at.systemd.manager.subscribed == times
            at.observer.stop(probe)
