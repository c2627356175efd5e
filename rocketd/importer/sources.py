"""Reads what is to be imported from the files of a host."""

from __future__ import annotations

import pwd
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rocketd.core.dataclass import dataclass
from rocketd.core.errors import RocketdError
from rocketd.importer import anacron_task, cron_task, timer_task
from rocketd.importer.cron_files import IS_DEBIAN, cron_reads, neglect_of
from rocketd.importer.crontab import CrontabEntry, has_user_column, read_crontab
from rocketd.importer.task_draft import ImportedFile, NotImported, TaskDraft
from rocketd.importer.task_names import name_tasks
from rocketd.importer.unit_directories import UnitDirectories

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_BYTE_ORDER_MARK: Final = "\ufeff"


class SourceError(RocketdError):
    """A file that is to be imported cannot be read."""


@dataclass(frozen=True, slots=True)
class ImportRequest:
    """What to import."""

    crontabs: Sequence[str] = ()
    cron_directories: Sequence[str] = ()
    user_directories: Sequence[str] = ()
    anacrontabs: Sequence[str] = ()
    timers: Sequence[str] | None = None
    """Units, unit files or directories of them; empty: all that are enabled; None: no timers."""


@dataclass(slots=True)
class ImportedSources:
    """What was read."""

    files: list[ImportedFile]
    skipped: list[str]
    """Sentences about files that are not read."""


def read_sources(request: ImportRequest) -> ImportedSources:
    """Read everything that is requested, and name the tasks; raises SourceError."""
    read = ImportedSources([], [])
    taken: set[str] = set()
    for path in request.crontabs:
        _keep(read, _crontab(Path(path)), "" if path == "/etc/crontab" else Path(path).stem, taken)
    for directory in request.cron_directories:
        for table in _cron_d(Path(directory), read.skipped):
            file = _table(table, f"cron-{table.name}", with_user=True)
            file.header += neglect_of(table.stat())
            _keep(read, file, table.name, taken)
    for directory in request.user_directories:
        for table in sorted(one for one in _listed(Path(directory)) if one.is_file() and one.name[0] != "."):
            file = _table(table, f"user-{table.name}", with_user=False, user=table.name)
            if not _is_user(table.name):
                file.header.append(f"There is no user {table.name} on this host, so cron does not run this.")
            _keep(read, file, table.name, taken)
    for one in request.anacrontabs:
        _keep(read, _anacrontab(Path(one)), "", taken)
    if request.timers is not None:
        _keep(read, _timers(request.timers), "", taken)
    return read


def _keep(read: ImportedSources, file: ImportedFile, base: str, taken: set[str]) -> None:
    name_tasks(file.drafts, base, taken)
    if file.drafts or file.rejected:
        read.files.append(file)


def _cron_d(directory: Path, skipped: list[str]) -> Iterator[Path]:
    for path in sorted(_listed(directory)):
        if cron_reads(path.name, debian=IS_DEBIAN) and path.is_file():
            yield path
        elif path.is_file() and path.name != ".placeholder":
            skipped.append(f"{path} is not read: because of its name, cron ignores it as well (--crontab reads it)")


def _listed(directory: Path) -> list[Path]:
    try:
        return list(directory.iterdir())
    except OSError as error:
        raise SourceError(f"cannot read {directory}: {error.strerror}") from error


def _content(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8", "surrogateescape")
    except OSError as error:
        raise SourceError(f"cannot read {path}: {error.strerror}") from error


def _text(path: Path) -> str:
    text = _content(path).removeprefix(_BYTE_ORDER_MARK)
    return text.replace("\r\n", "\n")  # a \r alone ends no line: `disable_lines` and cron count the others


def _crontab(path: Path) -> ImportedFile:
    """Read a table of either form."""
    with_user = str(path) == "/etc/crontab" or has_user_column(
        _text(path), {one.pw_name for one in pwd.getpwall()}, lambda name: shutil.which(name) is not None
    )
    owner = "" if with_user else _owner(path)
    file = _table(path, path.name.replace(".", "-"), with_user=with_user, user=owner)
    form = (
        "with a column for the user" if with_user else f"without a column for the user: all is for {owner}, its owner"
    )
    file.header.append(f"Read as a table {form}.")
    return file


def _is_user(name: str) -> bool:
    try:
        return bool(pwd.getpwnam(name))
    except KeyError:
        return False


def _owner(path: Path) -> str:
    try:
        return pwd.getpwuid(path.stat().st_uid).pw_name
    except (OSError, KeyError):
        return "root"


def _table(path: Path, name: str, *, with_user: bool, user: str = "") -> ImportedFile:
    file = ImportedFile(str(path), name, [*cron_task.HEADER])
    if _content(path).startswith(_BYTE_ORDER_MARK):
        file.header.append("It begins with a byte order mark, because of which cron does not read its first line.")
    entries = list(read_crontab(_text(path), with_user=with_user))
    if not any(isinstance(entry, CrontabEntry) and "PATH" in entry.environment for entry in entries):
        file.header.append("cron's PATH is /usr/bin:/bin; here it has the directories of a login.")
    for entry in entries:
        origin = f"{path}:{entry.line}"
        if not isinstance(entry, CrontabEntry):
            _sort(file, [NotImported(origin, entry.text, entry.why)])
        elif not entry.text.isprintable() and _is_not_text(entry.text):
            _sort(file, [NotImported(origin, _shown(entry.text), "it is not UTF-8")])
        else:
            _sort(file, [cron_task.cron_task(entry, origin, user)])
    return file


def _is_not_text(text: str) -> bool:
    return any("\udc80" <= character <= "\udcff" for character in text)


def _shown(text: str) -> str:
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _anacrontab(path: Path) -> ImportedFile:
    file = ImportedFile(str(path), path.name.replace(".", "-"), [*anacron_task.HEADER])
    _sort(file, anacron_task.anacron_tasks(_text(path), str(path)))
    return file


def _timers(names: Sequence[str]) -> ImportedFile:
    units = UnitDirectories.of(names)
    file = ImportedFile(
        f"the timers {' '.join(names)}" if names else "the enabled timers", "timers", [*timer_task.HEADER]
    )
    for name in units.timers(names):
        try:
            timer = units.read(name)
        except OSError as error:
            raise SourceError(f"cannot read {name}: {error.strerror or error}") from error
        if timer is None:
            raise SourceError(f"there is no {name}", hint="see systemctl list-unit-files --type=timer")
        if name.endswith("@.timer"):
            _sort(file, [NotImported(name, "", "it is a template: name an instance of it")])
            continue
        started = timer.last("Timer", "Unit") or f"{name.removesuffix('.timer')}.service"
        _sort(file, [timer_task.timer_task(timer, units.read(started), name)])
    return file


def _sort(file: ImportedFile, found: Iterable[TaskDraft | NotImported]) -> None:
    for one in found:
        if isinstance(one, TaskDraft):
            file.drafts.append(one)
        else:
            file.rejected.append(one)
