"""Which of the tables in a directory cron would read: those that nobody else can have put there or written to.

A user may steer what is in a directory of crontabs, and root imports from it. So a table is opened without following a
link, and what is asked about it is asked about the file that is open. The reasons are those of cron(8), of Vixie and of
cronie.
"""

from __future__ import annotations

import os
import pwd
import re
import stat
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from rocketd.core.errors import RocketdError
from rocketd.importer.cron_files import IS_DEBIAN, cron_reads

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_USER_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*\$?")
_BYTE_ORDER_MARK: Final = "\ufeff"
_LONGEST: Final = 4 * 1024 * 1024
"""More than any crontab has."""


class SourceError(RocketdError):
    """A file that is to be imported cannot be read."""


class CrontabFile(NamedTuple):
    """A crontab."""

    path: Path
    text: str
    marked: bool
    """Whether it begins with a byte order mark, which is not in the text."""
    private: bool
    """Whether only its owner may read it."""

    @classmethod
    def of(cls, path: Path, content: bytes, mode: int) -> CrontabFile:
        """Take what a file of that mode has in it."""
        text = content.decode("utf-8", "surrogateescape")
        plain = text.removeprefix(_BYTE_ORDER_MARK)
        # A \r alone ends no line: `disable_lines` and cron count the others.
        return cls(path, plain.replace("\r\n", "\n"), text != plain, not mode & 0o044)


def system_tables(directory: Path, skipped: list[str]) -> Iterator[CrontabFile]:
    """Yield the tables of a directory like /etc/cron.d; `skipped` gets a sentence about each other file."""
    for path in _listed(directory):
        if path.name == ".placeholder" or path.is_dir():
            continue
        if not cron_reads(path.name, debian=IS_DEBIAN):
            skipped.append(f"{path} is not read: because of its name, cron ignores it as well (--crontab reads it)")
        else:
            yield from _read(path, {0}, skipped, linked=True)


def user_tables(directory: Path, skipped: list[str]) -> Iterator[CrontabFile]:
    """Yield the tables of a directory like /var/spool/cron/crontabs, each named for its user."""
    for path in _listed(directory):
        if path.name[0] == "." or (path.is_dir() and not path.is_symlink()):
            continue
        if not _USER_NAME.fullmatch(path.name) or path.name.startswith("tmp."):  # which crontab(1) leaves behind
            skipped.append(_sentence(path, "it is not called like a user"))
        else:
            yield from _read(path, {0, _uid_of(path)}, skipped, linked=False)


def _uid_of(path: Path) -> int:
    """Return who may own the table of a user; if he is gone, that is the one it has, unless it is another's."""
    with suppress(KeyError):
        return pwd.getpwnam(path.name).pw_uid
    with suppress(OSError):  # it is gone by now, too
        owner = path.lstat().st_uid
        return 0 if _user(owner) else owner
    return 0


def named_table(path: Path) -> CrontabFile:
    """Read a table that somebody names himself, whatever it is; raises SourceError."""
    try:
        return CrontabFile.of(path, path.read_bytes(), path.stat().st_mode)
    except OSError as error:
        raise SourceError(f"cannot read {path}: {error.strerror}") from error


def _read(path: Path, owners: set[int], skipped: list[str], *, linked: bool) -> Iterator[CrontabFile]:
    """Yield the table, or tell why cron would not read it; raises SourceError. `linked`: whether it may be a link."""
    try:
        if linked and path.is_symlink() and path.lstat().st_uid not in (*owners, os.geteuid()):
            skipped.append(_sentence(path, "the link belongs to somebody else"))
            return
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | (0 if linked else os.O_NOFOLLOW))
    except OSError as error:
        if path.is_symlink():
            skipped.append(_sentence(path, "it is a link"))
            return
        raise SourceError(f"cannot read {path}: {error.strerror}") from error
    with open(descriptor, "rb") as file:  # noqa: PTH123 - it is open already
        status = os.fstat(descriptor)
        if reason := _reason(status, {*owners, os.geteuid()}, alone=not linked):
            skipped.append(_sentence(path, reason))
        else:
            yield CrontabFile.of(path, file.read(_LONGEST), status.st_mode)


def _reason(status: os.stat_result, owners: set[int], *, alone: bool) -> str:
    """Return why cron would not read a file; empty: it would."""
    if not stat.S_ISREG(status.st_mode):
        return "it is not a regular file"
    if status.st_uid not in owners:
        return f"it belongs to {_user(status.st_uid) or f'the uid {status.st_uid}'}"
    if status.st_mode & 0o022:
        return "others may write to it"
    if alone and status.st_nlink != 1:
        return "it has another name as well (a hard link)"
    return f"it is larger than {_LONGEST >> 20} MiB" if status.st_size > _LONGEST else ""


def _user(uid: int) -> str:
    """Return the name of a user; empty: there is none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return ""


def _sentence(path: Path, reason: str) -> str:
    return f"{path} is not read: {reason}, so cron ignores it as well"


def _listed(directory: Path) -> Sequence[Path]:
    try:
        return sorted(directory.iterdir())
    except OSError as error:
        raise SourceError(f"cannot read {directory}: {error.strerror}") from error
