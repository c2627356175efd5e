"""The host moves to another time zone while the daemon, or an application, runs."""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from rocketd.probes.local_time import LocalTime
from support.daemon_process import Daemon
from support.event_loop import looped
from support.task_files import root_only

ZONES = Path("/usr/share/zoneinfo")


@pytest.fixture
def localtime(tmp_path: Path) -> Path:
    link = tmp_path / "localtime"
    link.symlink_to(ZONES / "UTC")
    return link


class Heard:
    """Hears of changes."""

    def __init__(self, localtime: Path) -> None:
        self._told: asyncio.Queue[None] = asyncio.Queue()
        self.local_time = LocalTime(lambda: self._told.put_nowait(None), localtime)

    async def once(self) -> None:
        """Wait until a change is told."""
        async with asyncio.timeout(30):
            await self._told.get()
        while not self._told.empty():
            self._told.get_nowait()

    @property
    def silent(self) -> bool:
        return self._told.empty()


def link(place: Path, target: Path | str) -> None:
    """Put a link there in one step, as timedatectl does."""
    other = place.with_name("other")
    other.symlink_to(target)
    other.replace(place)


def copy(place: Path, zone: str) -> None:
    """Put a file there in one step, as a package manager does."""
    other = place.with_name("other")
    shutil.copy(ZONES / zone, other)
    other.replace(place)


def write(place: Path, zone: str) -> None:
    place.write_bytes((ZONES / zone).read_bytes())


def remove(place: Path) -> None:
    place.unlink()


@looped
async def test_another_link_is_told_however_it_is_put_there(localtime: Path) -> None:
    heard = Heard(localtime)
    link(localtime, ZONES / "Asia/Tokyo")
    await heard.once()
    remove(localtime)
    await heard.once()
    link(localtime, ZONES / "Europe/Berlin")
    await heard.once()
    copy(localtime, "Asia/Tokyo")
    await heard.once()
    write(localtime, "Europe/Berlin")
    await heard.once()
    heard.local_time.close()


@looped
async def test_other_rules_of_the_same_zone_are_told(tmp_path: Path, localtime: Path) -> None:
    rules = tmp_path / "zoneinfo"
    copy(rules, "Asia/Tokyo")
    link(localtime, "zoneinfo")
    heard = Heard(localtime)
    copy(rules, "Europe/Berlin")
    await heard.once()
    link(localtime, ZONES / "UTC")
    await heard.once()
    copy(rules, "Asia/Tokyo")
    link(localtime, ZONES / "Europe/Berlin")
    await heard.once()
    assert heard.silent, "it does not lead there any more"
    heard.local_time.close()


@looped
async def test_a_look_tells_what_the_kernel_did_not(localtime: Path) -> None:
    heard = Heard(localtime)
    heard.local_time.close()
    heard.local_time.check()
    assert heard.silent
    remove(localtime)
    heard.local_time.check()
    assert not heard.silent


# -- the daemon, in a mount namespace with an /etc of its own


def may_mount() -> bool:
    done = subprocess.run(
        ["unshare", "--mount", "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True, check=False
    )
    return done.returncode == 0


needs_mount = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("unshare") is None or not may_mount(), reason="needs to mount"
)
PRIVATE_ETC = """
    mount -t tmpfs none /mnt
    cp -a /etc /mnt/etc
    ln -sfn /usr/share/zoneinfo/UTC /mnt/etc/localtime
    mount --bind /mnt/etc /etc
    exec "$@"
"""


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    tmp_path.chmod(0o755)
    with Daemon(tmp_path) as daemon:
        daemon.wrapper = ("unshare", "--mount", "sh", "-ec", PRIVATE_ETC, "sh")
        yield daemon


def inside(daemon: Daemon, *command: str) -> str:
    """Run something with the daemon's /etc; gives what it prints."""
    entered = ["nsenter", f"--target={daemon.pid}", "--mount", f"--wd={Path.cwd()}", *command]
    return subprocess.run(entered, check=True, stdout=subprocess.PIPE, text=True).stdout


def told(daemon: Daemon, *words: str) -> dict[str, object]:
    places = [f"--config-dir={daemon.config}", f"--state-dir={daemon.state}", f"--runtime-dir={daemon.runtime}"]
    answer = json.loads(inside(daemon, sys.executable, "-m", "rocketd.cli.rocketctl", *places, *words, "--json"))
    found: dict[str, object] = answer[0] if isinstance(answer, list) else answer
    return found


TASKS = """
[task.night]
command = ["/bin/true"]
when = "cron('30 3 * * *')"

[task.elsewhere]
command = ["/bin/true"]
when = "cron('30 3 * * *')"
timezone = "Europe/Berlin"

[task.clock]
command = 'date +%Z'
shell = true
when = "false"
"""


@root_only
@needs_mount
def test_a_daemon_notices_without_a_reload_that_the_host_has_moved(daemon: Daemon) -> None:
    daemon.write("a.toml", TASKS)
    daemon.start()
    assert str(told(daemon, "show", "night")["next"]).endswith("T03:30:00.000000+00:00")
    elsewhere = told(daemon, "show", "elsewhere")
    daemon.write("b.toml", '[task.edited]\ncommand = ["/bin/true"]\n')
    inside(daemon, "ln", "-sfn", "/usr/share/zoneinfo/Asia/Tokyo", "/etc/localtime")
    daemon.until_line("the time zone of the host is now Asia/Tokyo")
    night = told(daemon, "show", "night")
    assert night["timezone"] == "Asia/Tokyo"
    assert str(night["next"]).endswith("T18:30:00.000000+00:00")
    assert "at 03:30" in str(told(daemon, "why", "night")["waiting_for"])
    assert told(daemon, "show", "elsewhere") == elsewhere
    inside(daemon, sys.executable, "-m", "rocketd.cli.rocketctl", f"--runtime-dir={daemon.runtime}", "run", "clock")
    daemon.until_line("clock | JST")
    assert daemon.runs("edited") == [], "an edit waits for its reload"
    inside(daemon, "rm", "/etc/localtime")
    daemon.until_line("the time zone of the host is now UTC")
    assert str(told(daemon, "show", "night")["next"]).endswith("T03:30:00.000000+00:00")
    assert daemon.runs("night") == []
    daemon.signal(signal.SIGTERM)
    daemon.wait()


PROGRAM = """
import os
from rocketd import Rocketd
from rocketd.conds import cron, every

app = Rocketd()

@app.task(cron("30 3 * * *"))
def night():
    pass

@app.task(every("100 ms"))
def look():
    if not os.path.exists("/etc/moved"):
        os.symlink("/usr/share/zoneinfo/Asia/Tokyo", "/etc/moved")
        os.rename("/etc/moved", "/etc/localtime")
        open("/etc/moved", "w").close()
    why = app.session["night"].why()
    if why.at.utcoffset().total_seconds() == 9 * 3600:
        print(why)
        app.session.shut_down()

app.run()
"""


@root_only
@needs_mount
def test_an_application_notices_that_the_host_has_moved() -> None:
    command = ["unshare", "--mount", "sh", "-ec", PRIVATE_ETC, "sh", sys.executable, "-c", PROGRAM]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, timeout=60)
    assert "the next tick is" in done.stdout
    assert "at 03:30" in done.stdout
