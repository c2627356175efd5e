"""The files of calendars: reading them safely, and what was read as dates or problems.

Their rights are those of task files: they decide what root runs, and when. The directory is opened once, and the
file in it; their owners and modes are asked of what is open. Nothing is known of any day while a file is missing or
wrong.
"""

import os
import stat
from functools import partial
from pathlib import Path
from typing import Final

from rocketd.config.date_lines import read_dates
from rocketd.config.host_queries import HostQueries, NoAnswer, QueryKind
from rocketd.config.problems import Fault, Problem
from rocketd.config.task_files import Rights, UnreadableFile
from rocketd.core.dataclass import dataclass
from rocketd.core.model.work_calendar import DateList

MAX_BYTES: Final = 4 * 1024**2
_FLAGS: Final = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY | os.O_NOFOLLOW
"""A FIFO must not block us, a link must not lead us elsewhere."""


@dataclass(frozen=True, slots=True)
class CalendarFile:
    """One file, as it was read."""

    path: str
    directory: str = ""
    """Where its directory is, without links; empty: it could not be opened."""
    listed: DateList | None = None
    """None: it was not read, or has a mistake."""
    problems: tuple[Problem, ...] = ()

    @property
    def problem(self) -> str:
        """Why nothing is known of it, as a sentence; empty: it is good."""
        if self.listed is not None:
            return ""
        first = self.problems[0]
        place = f"{first.file}:{first.line}" if first.source_line else first.file
        return f"{place}: {first.message}"


class _Refused(Exception):
    def __init__(self, problem: Problem, directory: str = "") -> None:
        super().__init__(problem.message)
        self.problem, self.directory = problem, directory


def read_calendar_file(path: str, rights: Rights, queries: HostQueries) -> CalendarFile:
    """Read it; never raises for what is in it, or in its way."""
    try:
        content, directory, warnings = queries.ask(path, QueryKind.FILE, partial(_read, path, rights))
    except NoAnswer:
        return _refused(path, UnreadableFile("this does not answer: its file system hangs", fault=Fault.HOST))
    except _Refused as refused:
        return CalendarFile(path, refused.directory, None, (refused.problem,))
    except OSError as error:
        return _refused(path, _unreadable(error))
    listed, problems = _parsed(path, content)
    good = listed is not None and not any(problem.severity == "error" for problem in problems)
    return CalendarFile(path, directory, listed if good else None, (*warnings, *problems))


def _refused(path: str, fault: UnreadableFile) -> CalendarFile:
    return CalendarFile(path, "", None, (fault.problem(path, "error"),))


def _unreadable(error: OSError) -> UnreadableFile:
    missing = isinstance(error, FileNotFoundError)
    message = "there is no such file" if missing else f"this cannot be read: {os.strerror(error.errno or 0)}"
    return UnreadableFile(message, "it is read as soon as it can be", Fault.HOST)


def _read(path: str, rights: Rights) -> tuple[bytes, str, tuple[Problem, ...]]:
    """Read the bytes of a file; also return where its directory is, and what is wrong that is let pass."""
    place = Path(path)
    directory = os.open(place.parent, os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECTORY)
    try:
        where = os.readlink(f"/proc/self/fd/{directory}")  # noqa: PTH115 - of what is open
        faults = [_fault(os.fstat(directory), rights, str(place.parent))]
        with open(_opened(path, place.name, directory, where), "rb") as file:
            faults.append(_fault(os.fstat(file.fileno()), rights, path))
            warnings = tuple(problem for problem in faults if problem is not None)
            if warnings and rights.strict:
                raise _Refused(warnings[0], where)
            content = file.read(MAX_BYTES + 1)
    finally:
        os.close(directory)
    if not content or len(content) > MAX_BYTES:
        message = "this is larger than 4 MiB" if content else "this is empty, so nothing is known of any day"
        hint = "" if content else "a file without holidays has a comment: # none"
        raise _Refused(UnreadableFile(message, hint).problem(path, "error"), where)
    return content, where, warnings


def _opened(path: str, name: str, directory: int, where: str) -> int:
    """Open the file; opening anything else may have effects."""
    try:
        mode = os.stat(name, dir_fd=directory, follow_symlinks=False).st_mode
        if not stat.S_ISREG(mode):
            message = "this is a symbolic link" if stat.S_ISLNK(mode) else "this is not a regular file"
            raise _Refused(UnreadableFile(message, "put the file itself here").problem(path, "error"), where)
        return os.open(name, _FLAGS, dir_fd=directory)
    except OSError as error:
        raise _Refused(_unreadable(error).problem(path, "error"), where) from None


def _fault(status: os.stat_result, rights: Rights, path: str) -> Problem | None:
    fault = rights.fault(status, Path(path))
    return None if fault is None else fault.problem(path, rights.severity)


def _parsed(path: str, content: bytes) -> tuple[DateList | None, tuple[Problem, ...]]:
    from hashlib import blake2b  # noqa: PLC0415 - OpenSSL comes with it, and few tasks have a calendar

    digest = blake2b(content, digest_size=16).digest()
    if path.endswith(".ics"):
        from rocketd.config.ics_files import read_ics  # noqa: PLC0415 - only where there is one

        return read_ics(content, path, digest)
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        message = f"byte 0x{content[error.start]:02x} is not UTF-8"
        return None, (Problem(path, line, 1, "", "error", message, source_line="?"),)
    return read_dates(text, path, digest)
