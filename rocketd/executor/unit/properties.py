"""From a task and a run to the properties of a transient unit: what systemd does, and what is left to the launcher.

Properties, and `systemctl cat`, are readable by everybody on the host. So nothing of a task is in them but its name,
user, limits and times. Command, environment, directory and input are in the request, a file that only root can read.
What is looked up with the rights of the task's user (its environment files, directory and program) is the launcher's.
"""

import resource
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias

from rocketd.core.instant import SECOND
from rocketd.core.model.run import Run
from rocketd.core.model.task import Command, Identity, Limit, Task
from rocketd.executor.process.environment import task_environment
from rocketd.executor.process.launch import argv_of
from rocketd.executor.process.launcher_protocol import LAUNCHER, NAME, LaunchRequest
from rocketd.executor.unit.unit_name import SLICE

Properties: TypeAlias = list[list[object]]
_Found: TypeAlias = dict[str, tuple[str, object]]

_INFINITE: Final = 2**64 - 1
_AT_LEAST: Final = 1000
"""Microseconds: a time of 0 would be none."""
_EVERY_CODE: Final = [list(range(256)), list(range(1, 32))]
_BACKSTOP: Final = 5 * SECOND
"""How much later than rocketd systemd stops a run at its `timeout`, for when there is no rocketd."""
_LIMITS: Final = {
    getattr(resource, name): f"Limit{name.removeprefix('RLIMIT_')}"
    for name in dir(resource)
    if name.startswith("RLIMIT_") and name != "RLIMIT_OFILE"  # another name of RLIMIT_NOFILE
}
_OF_A_LOGIN: Final = frozenset({"HOME", "USER", "LOGNAME", "SHELL"})
_TERM: Final = 15
_KILL: Final = 9
_NOTICE: Final = 5
_OF_ALL_UNITS: Final[Mapping[str, tuple[str, object]]] = {
    "Slice": ("s", SLICE),
    "Type": ("s", "exec"),
    "ExecStart": ("a(sasb)", [[str(LAUNCHER), [NAME, "unit"], False]]),
    # What a line begins with is the task's own.
    "SyslogLevelPrefix": ("b", False),
    # An interval of 0 would mean that of journald.conf(5), not none.
    "LogRateLimitIntervalUSec": ("t", 1),
    "LogRateLimitBurst": ("u", 2**32 - 1),
    # What has ended is kept until its end is recorded, and is no failed unit of the host meanwhile.
    "RemainAfterExit": ("b", True),
    "SuccessExitStatus": ("(aiai)", _EVERY_CODE),
    "IgnoreSIGPIPE": ("b", False),
    "IgnoreOnIsolate": ("b", True),
    "OOMPolicy": ("s", "continue"),
    # What a run has used is recorded.
    "CPUAccounting": ("b", True),
    "MemoryAccounting": ("b", True),
    "IOAccounting": ("b", True),
    "KillMode": ("s", "control-group"),
    "SendSIGHUP": ("b", False),
}


class UnitPaths(NamedTuple):
    """The files of a launcher in a unit."""

    request: Path
    """What it reads."""
    status: Path
    """What it writes to."""
    output: Path
    """The FIFO that the program of a command prints to."""


def request_of(task: Task, variables: Mapping[str, str], own: Identity, clean: Mapping[str, str]) -> LaunchRequest:
    """Return what the launcher of a run does; `variables` say which run it is."""
    work = _command(task)
    around = work.surroundings
    identity = around.identity or own
    environment = task_environment(clean, identity, around)
    if task.has_dynamic_user:  # systemd says who that is
        given = dict(around.environment)
        environment = {name: value for name, value in environment.items() if name not in _OF_A_LOGIN or name in given}
    return LaunchRequest(
        argv=argv_of(work),
        directory=around.directory or ("/" if task.has_dynamic_user else identity.home),
        home_optional=not around.directory,
        umask=around.umask,
        nice=None,
        limits=(),
        identity=None,
        environment=environment,
        environment_files=around.environment_files,
        run_environment=variables,
    )


def encoded(request: LaunchRequest, task: Task) -> bytes:
    """Write the request down for a launcher in a unit: its input follows, and how large its files may become."""
    work = _command(task)
    limits = [limit for limit in work.surroundings.limits if limit.resource == resource.RLIMIT_FSIZE]
    return request.encode_for_unit(work.stdin.encode(), limits)


def run_properties(task: Task, run: Run, own: Identity, paths: UnitPaths, service: str) -> Properties:
    """Return the properties of a run's unit; `service` is the daemon's own unit, or empty."""
    fields = [f"{name}={value}".encode() for name, value in journal_fields(run).items()]
    found = _common_properties(task, own, paths, service) | {
        "Description": ("s", f"rocketd: {task.name}, run {run.number}"),
        "StandardOutput": ("s", "journal"),
        "SyslogIdentifier": ("s", task.name),
        "LogExtraFields": ("aay", fields),
    }
    if task.timeout is not None:
        found["RuntimeMaxUSec"] = ("t", task.timeout + _BACKSTOP)
    return _variants(found)


def command_properties(  # noqa: PLR0913 - as for a run
    task: Task, run: Run, own: Identity, paths: UnitPaths, service: str, *, quiet: bool = False
) -> Properties:
    """Return the properties of the unit of a command that is not a run: the daemon reads what it prints.

    `quiet`: it runs so often that what systemd says of each time would fill the journal.
    """
    found = _common_properties(task, own, paths, service) | {
        "Description": ("s", f"rocketd: {run.reason}"),
        "StandardOutputFile": ("s", str(paths.output)),
        "SyslogIdentifier": ("s", "rocketd"),
        "LogExtraFields": ("aay", [f"ROCKETD_RUN_ID={run.run_id}".encode()]),
    }
    if quiet:
        found["LogLevelMax"] = ("i", _NOTICE)
    if task.has_dynamic_user:  # a run has that from its drop-in
        found["DynamicUser"] = ("b", True)
    return _variants(found)


def _common_properties(task: Task, own: Identity, paths: UnitPaths, service: str) -> _Found:
    surroundings = _command(task).surroundings
    identity = surroundings.identity or own
    found: _Found = {
        **_OF_ALL_UNITS,
        "User": ("s", identity.name),
        "Group": ("s", str(identity.gid)),
        "UMask": ("u", surroundings.umask),
        "Nice": ("i", surroundings.nice),
        "StandardInputFile": ("s", str(paths.request)),
        "StandardErrorFileToAppend": ("s", str(paths.status)),
        "KillSignal": ("i", _TERM if task.kill_grace else _KILL),
        "TimeoutStopUSec": ("t", max(task.kill_grace, _AT_LEAST)),
        **_limits(surroundings.limits),
    }
    if task.has_dynamic_user:
        del found["User"], found["Group"]
    if service:  # when the host goes down, rocketd stops first: it lets its runs end, and records how they do
        found["Before"] = ("as", [service])
    return found


def _variants(found: _Found) -> Properties:
    from dbus_fast import Variant  # noqa: PLC0415 - only who uses units pays for it

    return [[name, Variant(signature, value)] for name, (signature, value) in found.items()]


def _limits(limits: Sequence[Limit]) -> _Found:
    """Return the limits that systemd sets: all but the size of files, which would keep the launcher from reporting."""
    found: _Found = {}
    for limit in limits:
        if limit.resource != resource.RLIMIT_FSIZE:
            name = _LIMITS[limit.resource]
            found |= {name: ("t", _limit(limit.hard)), f"{name}Soft": ("t", _limit(limit.soft))}
    return found


def journal_fields(run: Run) -> Mapping[str, str]:
    """Return the fields of every line that a run prints: those by which `rocketctl log` finds them."""
    return {
        "ROCKETD_TASK": run.task,
        "ROCKETD_RUN_ID": run.run_id,
        "ROCKETD_NUMBER": str(run.number),
        "ROCKETD_STREAM": "stdout",
    }


def _command(task: Task) -> Command:
    assert isinstance(task.work, Command)  # noqa: S101 - a defect of ours: nothing else comes here
    return task.work


def _limit(value: int) -> int:
    return _INFINITE if value < 0 else value
