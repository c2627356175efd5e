"""The options with which the daemon is started."""

from pathlib import Path

from rocketd.bootstrap.log_target import LogTarget
from rocketd.core.dataclass import dataclass
from rocketd.core.messages.message import Priority


@dataclass(frozen=True, slots=True)
class DaemonOptions:
    """Where its files are, and where its journal goes."""

    state_dir: Path
    runtime_dir: Path
    config_dirs: tuple[Path, ...] = ()
    """Empty: the directories of the vendor, the administrator and the runtime."""
    log_target: LogTarget = LogTarget.AUTO
    log_level: Priority = Priority.INFO
