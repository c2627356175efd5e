"""The command line of the daemon, and its exit codes."""

import argparse
import os
import sys
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from enum import IntEnum
from pathlib import Path
from typing import Final, NamedTuple

from rocketd import __version__
from rocketd.core.errors import RocketdError
from rocketd.core.messages.message import Priority

LEVELS: Final = {priority.name.lower(): priority for priority in Priority}


class ExitStatus(IntEnum):
    """The exit codes of the daemon."""

    STOPPED = 0
    FAILED = 1
    USAGE = 2
    HELD = 3
    """Another daemon holds the state directory."""
    NO_STORE = 4


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the daemon; return its exit code."""
    options = _parser().parse_args(arguments)
    from rocketd.bootstrap import asyncio_without_tls  # noqa: F401, PLC0415 - before asyncio is imported; `rocketd --version` needs none
    from rocketd.daemon.forced_exit import INTERPRETER_TIMEOUT, exit_within  # noqa: PLC0415 - `rocketd --version` needs none

    code = _run(options)
    exit_within(INTERPRETER_TIMEOUT, code)
    return code


def _run(arguments: argparse.Namespace) -> ExitStatus:
    import asyncio  # noqa: PLC0415 - `rocketd --version` needs none of it

    from rocketd.bootstrap import service  # noqa: PLC0415 - `rocketd --version` needs none of it
    from rocketd.bootstrap.daemon_options import DaemonOptions  # noqa: PLC0415 - as above
    from rocketd.bootstrap.log_target import LogTarget  # noqa: PLC0415 - as above
    from rocketd.bootstrap.run_store import NoStore  # noqa: PLC0415 - as above
    from rocketd.daemon.runtime_directory import RuntimeDirectoryHeld  # noqa: PLC0415 - as above
    from rocketd.store.state_lock import StateDirectoryHeld  # noqa: PLC0415 - as above

    try:
        places = _user_places(arguments) if arguments.user else _system_places(arguments)
    except RocketdError as error:
        return _report_error(error, ExitStatus.USAGE)
    options = DaemonOptions(
        state_dir=places.state,
        runtime_dir=places.runtime,
        config_dirs=places.config,
        log_target=LogTarget(arguments.log_target),
        log_level=LEVELS[arguments.log_level],
    )
    try:
        asyncio.run(service.run(options))
    except (StateDirectoryHeld, RuntimeDirectoryHeld) as error:
        return _report_error(error, ExitStatus.HELD)
    except NoStore as error:
        return _report_error(error, ExitStatus.NO_STORE)
    except RocketdError as error:
        return _report_error(error, ExitStatus.FAILED)
    except Exception:  # noqa: BLE001 - a defect: its traceback goes to standard error, and systemd restarts the daemon
        traceback.print_exc()
        return ExitStatus.FAILED
    return ExitStatus.STOPPED


class _Places(NamedTuple):
    """Where the files of the daemon are."""

    state: Path
    runtime: Path
    config: tuple[Path, ...]


def _system_places(arguments: argparse.Namespace) -> _Places:
    return _Places(
        (arguments.state_dir or _directory(os.environ, "STATE_DIRECTORY", "/var/lib/rocketd")).absolute(),
        (arguments.runtime_dir or _directory(os.environ, "RUNTIME_DIRECTORY", "/run/rocketd")).absolute(),
        tuple(directory.absolute() for directory in arguments.config_dir),
    )


def _user_places(arguments: argparse.Namespace) -> _Places:
    """Return those of a user, and make them: nobody else does; raises UsageError."""
    from rocketd.cli.user_directories import user_directories  # noqa: PLC0415 - only for --user

    found = user_directories()
    state, runtime = (arguments.state_dir or Path(found.state)), (arguments.runtime_dir or Path(found.runtime))
    config = tuple(arguments.config_dir) or (Path(found.config),)
    for directory in (state, runtime, *config):
        with suppress(OSError):  # the daemon reports it when it needs it
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    return _Places(state.absolute(), runtime.absolute(), tuple(directory.absolute() for directory in config))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="rocketd",
        allow_abbrev=False,
        description="Start tasks when their conditions hold. Runs in the foreground.",
        epilog="Signals: TERM or INT stops the daemon (a second one stops it at once), HUP reads the task files again, "
        "USR1 logs the state.",
    )
    _add_directories(parser)
    parser.add_argument("--log-level", choices=LEVELS, default="info", help="the lowest level to log (default: info)")
    parser.add_argument(
        "--log-target",
        choices=("journal", "console", "auto"),
        default="auto",
        help="where to log; auto (default): the journal if standard error is connected to it, else the console",
    )
    parser.add_argument("--version", action="version", version=f"rocketd {__version__}")
    return parser


def _add_directories(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--config-dir",
        metavar="DIR",
        type=Path,
        action="append",
        default=[],
        help="read task files only from here, not from the standard directories (repeatable)",
    )
    parser.add_argument(
        "--state-dir",
        metavar="DIR",
        type=Path,
        help="directory of the records (default: $STATE_DIRECTORY or /var/lib/rocketd)",
    )
    parser.add_argument(
        "--runtime-dir",
        metavar="DIR",
        type=Path,
        help="directory of the control socket (default: $RUNTIME_DIRECTORY or /run/rocketd)",
    )
    parser.add_argument(
        "--user",
        action="store_true",
        help="be the daemon of this user: task files in ~/.config/rocketd, records in ~/.local/state/rocketd, "
        "the socket in $XDG_RUNTIME_DIR/rocketd",
    )


def _directory(environment: Mapping[str, str], variable: str, default: str) -> Path:
    """Return one of systemd's directories; of several in the variable, the first (systemd.exec(5))."""
    return Path(environment.get(variable, "").split(":")[0] or default)


def _report_error(error: RocketdError, code: ExitStatus) -> ExitStatus:
    sys.stderr.write(f"rocketd: {error.message}\n")
    if error.hint:
        sys.stderr.write(f"hint: {error.hint}\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
