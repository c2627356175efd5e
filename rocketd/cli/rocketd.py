"""The command line of the daemon, and its exit codes."""

import argparse
import asyncio
import os
import sys
import traceback
from collections.abc import Mapping, Sequence
from enum import IntEnum
from pathlib import Path
from typing import Final

from rocketd import __version__
from rocketd.core.errors import RocketdError
from rocketd.core.messages.message import Priority

LEVELS: Final = {priority.name.lower(): priority for priority in Priority}


class ExitStatus(IntEnum):
    """How the daemon ends."""

    STOPPED = 0
    FAILED = 1
    USAGE = 2
    HELD = 3
    """Another daemon holds the state directory."""
    NO_STORE = 4


def main(arguments: Sequence[str] | None = None) -> int:
    """Be the daemon; returns its exit code."""
    given = _parser().parse_args(arguments)
    from rocketd.daemon.exit_timeout import INTERPRETER_TIMEOUT, exit_within  # noqa: PLC0415 - `rocketd --version` needs none

    code = _run(given)
    exit_within(INTERPRETER_TIMEOUT, code)
    return code


def _run(given: argparse.Namespace) -> ExitStatus:
    from rocketd.bootstrap import service  # noqa: PLC0415 - `rocketd --version` needs none of it
    from rocketd.store.state_lock import StateDirectoryHeld  # noqa: PLC0415 - as above

    options = service.DaemonOptions(
        state_dir=(given.state_dir or _directory(os.environ, "STATE_DIRECTORY", "/var/lib/rocketd")).absolute(),
        runtime_dir=(given.runtime_dir or _directory(os.environ, "RUNTIME_DIRECTORY", "/run/rocketd")).absolute(),
        config_dirs=tuple(directory.absolute() for directory in given.config_dir),
        log_target=service.LogTarget(given.log_target),
        log_level=LEVELS[given.log_level],
    )
    try:
        asyncio.run(service.run(options))
    except StateDirectoryHeld as error:
        return _say(error, ExitStatus.HELD)
    except service.NoStore as error:
        return _say(error, ExitStatus.NO_STORE)
    except RocketdError as error:
        return _say(error, ExitStatus.FAILED)
    except Exception:  # noqa: BLE001 - a defect: all about it goes to standard error, and systemd starts us anew
        traceback.print_exc()
        return ExitStatus.FAILED
    return ExitStatus.STOPPED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="rocketd",
        allow_abbrev=False,
        description="Start tasks when their conditions hold. Runs in the foreground.",
        epilog="Signals: TERM or INT stops (a second one at once), HUP reads the task files again, "
        "USR1 writes the state to the journal.",
    )
    parser.add_argument(
        "--config-dir",
        metavar="DIR",
        type=Path,
        action="append",
        default=[],
        help="where task files are, in place of the standard directories; may be given several times",
    )
    parser.add_argument("--state-dir", metavar="DIR", type=Path, help="default: $STATE_DIRECTORY or /var/lib/rocketd")
    parser.add_argument("--runtime-dir", metavar="DIR", type=Path, help="default: $RUNTIME_DIRECTORY or /run/rocketd")
    parser.add_argument("--log-level", choices=LEVELS, default="info", help="the least urgent entries that are told")
    parser.add_argument(
        "--log-target",
        choices=("journal", "console", "auto"),
        default="auto",
        help="where to: auto is the journal if standard error leads there, else the console",
    )
    parser.add_argument("--version", action="version", version=f"rocketd {__version__}")
    return parser


def _directory(environment: Mapping[str, str], variable: str, default: str) -> Path:
    """One of systemd's directories; of several in the variable, the first (systemd.exec(5))."""
    return Path(environment.get(variable, "").split(":")[0] or default)


def _say(error: RocketdError, code: ExitStatus) -> ExitStatus:
    sys.stderr.write(f"rocketd: {error.message}\n")
    if error.hint:
        sys.stderr.write(f"hint: {error.hint}\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
