"""The schedulers that are compared in booted machines: how each gets its jobs, and which process is watched."""

from collections.abc import Sequence
from typing import ClassVar, Final, NamedTuple, Protocol

from under_test import Usage

from support.machines.administrator import lift_sandbox
from support.machines.machine import Machine

STAMPS: Final = "/var/tmp/stamps"  # noqa: S108 - inside a machine that nobody else sees
UNITS: Final = "/etc/systemd/system"


class Job(NamedTuple):
    """What to start: daily at this time, or as often as the scheduler can."""

    command: tuple[str, ...]
    hour: int | None = None
    minute: int | None = None
    second: int = 0

    @property
    def fields(self) -> str:
        """The five of a line of cron, which knows no seconds."""
        return "* * * * *" if self.hour is None else f"{self.minute} {self.hour} * * *"


class Contender(Protocol):
    """One scheduler."""

    name: ClassVar[str]
    is_ours: ClassVar[bool]
    lists: ClassVar[tuple[str, ...]]
    """What lists the jobs; empty: nothing does."""

    def write(self, machine: Machine, jobs: Sequence[Job]) -> None:
        """Lay out the jobs."""
        ...

    def take_up(self, machine: Machine) -> None:
        """Have it take them up; returns when it has."""
        ...

    def usage(self, machine: Machine) -> Usage:
        """What its process has used."""
        ...


class Rocketd:
    """This project, as its package installs it, with room for a burst."""

    name: ClassVar = "rocketd"
    is_ours: ClassVar = True
    lists: ClassVar[tuple[str, ...]] = ("rocketctl", "list")

    def write(self, machine: Machine, jobs: Sequence[Job]) -> None:
        tasks = [
            f"[task.t{number:06}]\ncommand = {list(job.command)}\nwhen = \"cron('{self._fields(job)}')\"\n"
            for number, job in enumerate(jobs)
        ]
        machine.write("/etc/rocketd/rocketd.toml", '[rocketd]\nexecutor = "process"\nmax_running = 2000\n')
        for first in range(0, len(tasks), 1_000):
            machine.write(f"/etc/rocketd/tasks{first:06}.toml", "".join(tasks[first : first + 1_000]))

    def _fields(self, job: Job) -> str:
        return f"{'*' if job.hour is None else job.second} {job.fields}"

    def take_up(self, machine: Machine) -> None:
        lift_sandbox(machine)
        machine.run("systemctl", "restart", "rocketd")

    def usage(self, machine: Machine) -> Usage:
        return _of_service(machine, "rocketd")


class Timers:
    """systemd's timers, exact to the microsecond as rocketd is; PID 1 starts the jobs."""

    name: ClassVar = "systemd timers"
    is_ours: ClassVar = False
    lists: ClassVar[tuple[str, ...]] = ("systemctl", "list-timers", "--all")

    def write(self, machine: Machine, jobs: Sequence[Job]) -> None:
        wants = machine.path(f"{UNITS}/jobs.target.wants")
        wants.mkdir()
        for number, job in enumerate(jobs):
            name = f"job{number:06}"
            limit = "[Unit]\nStartLimitIntervalSec=0\n"
            machine.write(f"{UNITS}/{name}.service", f"{limit}[Service]\nExecStart={' '.join(job.command)}\n")
            machine.write(f"{UNITS}/{name}.timer", f"[Timer]\nAccuracySec=1us\nOnCalendar={self._when(job)}\n")
            (wants / f"{name}.timer").symlink_to(f"../{name}.timer")
        machine.write(f"{UNITS}/jobs.target", "[Unit]\nDescription=Jobs\n")

    def _when(self, job: Job) -> str:
        return "*:*:*" if job.hour is None else f"{job.hour:02}:{job.minute:02}:{job.second:02}"

    def take_up(self, machine: Machine) -> None:
        machine.run("systemctl", "daemon-reload")
        machine.run("systemctl", "start", "jobs.target")

    def usage(self, machine: Machine) -> Usage:
        return Usage.of(machine.host_pid(1))


class Cron:
    """Debian's cron."""

    name: ClassVar = "Debian cron"
    is_ours: ClassVar = False
    lists: ClassVar[tuple[str, ...]] = ()

    def write(self, machine: Machine, jobs: Sequence[Job]) -> None:
        machine.write("/etc/cron.d/jobs", "".join(f"{job.fields} root {' '.join(job.command)}\n" for job in jobs))

    def take_up(self, machine: Machine) -> None:
        machine.run("systemctl", "restart", "cron")

    def usage(self, machine: Machine) -> Usage:
        return _of_service(machine, "cron")


CONTENDERS: Final[tuple[Contender, ...]] = (Rocketd(), Timers(), Cron())


def _of_service(machine: Machine, name: str) -> Usage:
    pid = machine.run("systemctl", "show", "--property=MainPID", "--value", name).stdout
    return Usage.of(machine.host_pid(int(pid)))
