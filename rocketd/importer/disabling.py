"""Switches imported entries off where they are, and on again: a comment in a crontab, `systemctl disable` for a timer.

Which timers were switched off, and how, is noted in the state directory before it happens. A comment in a crontab says
itself what it is. So whatever a crash leaves behind, undoing it finds it.
"""

from __future__ import annotations

import json
import os
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rocketd.atomic_file import replace_file
from rocketd.importer.crontab_files import SourceError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

MARK: Final = "#rocketd# "
"""What an entry that is switched off begins with."""
OWN_UNITS: Final = Path("/etc/systemd/system")
NEVER: Final = b"# rocketctl import --undo removes this.\n[Unit]\nConditionPathExists=!/\n"
INACTIVE: Final = "inactive"
"""What is noted of a timer that was enabled, but not active."""
RECORD: Final = "imported-timers.json"
"""In the state directory: the timers that were switched off, each with how."""


def disable_lines(path: Path, lines: Collection[int]) -> int:
    """Make comments of these lines (from 1); return how many are new. Raises SourceError."""

    def changed(number: int, line: str) -> str:
        return f"{MARK}{line}" if number in lines and not line.startswith(MARK) else line

    return _rewrite(path, changed)


def enable_lines(path: Path) -> int:
    """Bring back what `disable_lines` made comments of; return how many lines. Raises SourceError."""
    return _rewrite(path, lambda _, line: line.removeprefix(MARK))


def _rewrite(path: Path, change: Callable[[int, str], str]) -> int:
    """Change a file line by line, in one step, with its owner and mode; cron reads no file that begins with a dot."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        with open(descriptor, "rb") as file:  # noqa: PTH123 - it is open already
            before = file.read().decode("utf-8", "surrogateescape").split("\n")
            status = os.fstat(descriptor)
        after = [change(number, line) for number, line in enumerate(before, 1)]
        if after != before:
            content = "\n".join(after).encode("utf-8", "surrogateescape")
            replace_file(path, content, mode=status.st_mode & 0o7777, owner=(status.st_uid, status.st_gid))
    except OSError as error:
        raise SourceError(f"cannot change {path}: {error.strerror}") from error
    return sum(one != other for one, other in zip(before, after, strict=True))


def disable_timers(units: Iterable[str], state: Path) -> list[str]:
    """Switch off timers; return those that were on. Raises SourceError.

    A timer that is started by something else (`static`) is masked; one of the administrator, whose file is where the
    mask would be, gets a condition that never holds.
    """
    known = _noted(state)
    done = []
    for unit in units:
        enabled = _systemctl("is-enabled", unit).stdout.strip()
        active = _systemctl("is-active", unit).returncode == 0
        if not active and enabled not in ("enabled", "enabled-runtime", "alias"):
            continue
        way = "disable" if enabled.startswith("enabled") or enabled == "alias" else "mask"
        if way == "mask" and os.path.lexists(OWN_UNITS / unit):
            way = "condition"
        known[unit] = way if active else f"{way} {INACTIVE}"
        _note(state, known)
        _switch_off(unit, way)
        done.append(unit)
    return done


def enable_timers(units: Collection[str], state: Path) -> list[str]:
    """Switch on again what `disable_timers` switched off: these units, or all of them. Raises SourceError."""
    known = _noted(state)
    chosen = [unit for unit in known if not units or unit in units]
    for unit in chosen:
        way, _, was = known[unit].partition(" ")
        _switch_on(unit, way)
        if was != INACTIVE:
            _must("start", unit)
        del known[unit]
        _note(state, known)
    return chosen


def _switch_off(unit: str, way: str) -> None:
    if way != "condition":
        _must(way, "--now", unit)
        return
    drop_in = _drop_in(unit)
    try:
        drop_in.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        replace_file(drop_in, NEVER, mode=0o644)
    except OSError as error:
        raise SourceError(f"cannot write {drop_in}: {error.strerror}") from error
    _must("daemon-reload")
    _must("stop", unit)


def _switch_on(unit: str, way: str) -> None:
    if way != "condition":
        _must("unmask" if way == "mask" else "enable", unit)
        return
    drop_in = _drop_in(unit)
    try:
        drop_in.unlink(missing_ok=True)
        with suppress(OSError):  # there is more in it
            drop_in.parent.rmdir()
    except OSError as error:
        raise SourceError(f"cannot remove {drop_in}: {error.strerror}") from error
    _must("daemon-reload")


def _drop_in(unit: str) -> Path:
    return OWN_UNITS / f"{unit}.d" / "rocketd-disabled.conf"


def _systemctl(*words: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(["systemctl", *words], capture_output=True, text=True, check=False, timeout=60)  # noqa: S603, S607 - of the host
    except (OSError, subprocess.SubprocessError) as error:
        raise SourceError(f"systemctl {' '.join(words)} failed: {error}") from error


def _must(*words: str) -> None:
    done = _systemctl(*words)
    if done.returncode:
        raise SourceError(f"systemctl {' '.join(words)} failed: {done.stderr.strip() or done.returncode}")


def _noted(state: Path) -> dict[str, str]:
    try:
        read = json.loads((state / RECORD).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise SourceError(f"cannot read {state / RECORD}: {error}") from error
    return {str(unit): str(verb) for unit, verb in read.items()} if isinstance(read, dict) else {}


def _note(state: Path, known: dict[str, str]) -> None:
    path = state / RECORD
    try:
        if not known:
            path.unlink(missing_ok=True)
            return
        state.mkdir(parents=True, exist_ok=True)
        replace_file(path, json.dumps(known).encode(), mode=0o600)
    except OSError as error:
        raise SourceError(f"cannot write {path}: {error.strerror}") from error


def lines_by_file(origins: Sequence[str]) -> dict[Path, set[int]]:
    """Group `FILE:LINE` by file."""
    found: dict[Path, set[int]] = {}
    for origin in origins:
        path, colon, line = origin.rpartition(":")
        if colon and line.isdecimal():
            found.setdefault(Path(path), set()).add(int(line))
    return found
