"""What systemd knows of a unit that has ended, and what that means for its run. Pure."""

from collections.abc import Iterable, Mapping
from enum import IntEnum
from typing import Any, Final

from rocketd.core.dataclass import dataclass
from rocketd.core.instant import Duration
from rocketd.core.model.run import Usage

_UNKNOWN: Final = 2**64 - 1
_RUN_ID: Final = "ROCKETD_RUN_ID="
_FORMER: Final = {"exited", "failed", "dead"}
"""Sub-states of a unit whose program has ended."""
SETUP_FAILED: Final = 200
"""The lowest exit status by which systemd itself says that a step before the program failed: systemd.exec(5)."""
STDIN_FAILED: Final = 208
"""Of these the one that says that standard input, the request, could not be opened."""
_STEPS: Final = {
    200: "CHDIR", 201: "NICE", 203: "EXEC", 205: "LIMITS", 206: "OOM_ADJUST", 208: "STDIN", 209: "STDOUT",
    213: "IOPRIO", 214: "CPUSCHEDULER", 215: "CPUAFFINITY", 216: "GROUP", 217: "USER", 218: "CAPABILITIES",
    219: "CGROUP", 222: "STDERR", 224: "PAM", 225: "NETWORK", 226: "NAMESPACE", 227: "NO_NEW_PRIVILEGES",
    228: "SECCOMP", 231: "APPARMOR", 232: "ADDRESS_FAMILIES", 233: "RUNTIME_DIRECTORY", 235: "CHOWN",
    238: "STATE_DIRECTORY", 239: "CACHE_DIRECTORY", 240: "LOGS_DIRECTORY", 241: "CONFIGURATION_DIRECTORY",
    243: "CREDENTIALS", 244: "BPF",
}  # fmt: skip


class ExitKind(IntEnum):
    """What CLD_… of waitid(2) says."""

    NEVER_BEGAN = 0
    EXITED = 1
    KILLED = 2
    DUMPED = 3


@dataclass(frozen=True, slots=True)
class UnitState:
    """The service of a run, as systemd shows it."""

    pid: int
    """Of its first process; 0: it never had one."""
    began: Duration
    """By CLOCK_MONOTONIC, as is `ended`; 0: not (yet)."""
    ended: Duration
    how: int
    status: int
    """An exit code or a signal."""
    result: str
    run_id: str
    """Whose unit it is."""
    usage: Usage

    @property
    def exit_code(self) -> int | None:
        """The exit code, if it exited."""
        return self.status if self.how == ExitKind.EXITED else None

    @property
    def signal(self) -> int | None:
        """The signal that ended it."""
        return self.status if self.how in {ExitKind.KILLED, ExitKind.DUMPED} else None


def unit_state(service: Mapping[str, Any]) -> UnitState:
    """Read the properties of a service; what a version or a kernel without that controller lacks is unknown."""
    return UnitState(
        pid=int(service.get("ExecMainPID", 0)),
        began=int(service.get("ExecMainStartTimestampMonotonic", 0)),
        ended=int(service.get("ExecMainExitTimestampMonotonic", 0)),
        how=int(service.get("ExecMainCode", 0)),
        status=int(service.get("ExecMainStatus", 0)),
        result=str(service.get("Result", "")),
        run_id=_run_id(service.get("LogExtraFields", ())),
        usage=_usage(service),
    )


def _usage(service: Mapping[str, Any]) -> Usage:
    cpu = _known(service, "CPUUsageNSec")
    return Usage(
        cpu=None if cpu is None else cpu // 1000,
        memory=_known(service, "MemoryPeak"),
        io_read=_known(service, "IOReadBytes"),
        io_written=_known(service, "IOWriteBytes"),
    )


def has_ended(sub_state: str) -> bool:
    """Whether a unit in this sub-state has no program any more."""
    return sub_state in _FORMER


def failed_step(state: UnitState) -> str:
    """Name the step that systemd could not do, as far as the exit status says it."""
    if state.how == ExitKind.EXITED and state.status >= SETUP_FAILED:
        return f"systemd failed at step {_STEPS.get(state.status, state.status)}"
    return "systemd could not start its unit"


def _known(service: Mapping[str, Any], name: str) -> int | None:
    value = service.get(name)
    return None if value is None or value == _UNKNOWN else int(value)


def _run_id(fields: Iterable[bytes]) -> str:
    texts = [bytes(field).decode(errors="replace") for field in fields]
    return next((text.removeprefix(_RUN_ID) for text in texts if text.startswith(_RUN_ID)), "")
