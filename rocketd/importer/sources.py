"""Reads what is to be imported from the files of a host."""

from __future__ import annotations

import pwd
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from rocketd.core.dataclass import dataclass
from rocketd.importer import anacron_task, cron_task, timer_task
from rocketd.importer.crontab import CrontabEntry, has_user_column, read_crontab
from rocketd.importer.crontab_files import CrontabFile, SourceError, named_table, system_tables, user_tables
from rocketd.importer.task_draft import ImportedFile, NotImported, TaskDraft
from rocketd.importer.task_names import free_name, name_tasks
from rocketd.importer.unit_directories import UnitDirectories

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


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
        for table in system_tables(Path(directory), read.skipped):
            _keep(read, _table(table, f"cron-{table.path.name}", with_user=True), table.path.name, taken)
    for directory in request.user_directories:
        for table in user_tables(Path(directory), read.skipped):
            name = table.path.name
            file = _table(table, f"user-{name}", with_user=False, user=name)
            if not _is_user(name):
                file.header.append(f"There is no user {name} on this host, so cron does not run this.")
            _keep(read, file, name, taken)
    for one in request.anacrontabs:
        _keep(read, _anacrontab(Path(one)), "", taken)
    if request.timers is not None:
        _keep(read, _timers(request.timers), "", taken)
    return read


def _keep(read: ImportedSources, file: ImportedFile, base: str, taken: set[str]) -> None:
    name_tasks(file.drafts, base, taken)
    file.name = free_name(file.name, {one.name for one in read.files})  # two sources may be called alike
    if file.drafts or file.rejected:
        read.files.append(file)


def _crontab(path: Path) -> ImportedFile:
    """Read a table of either form."""
    table = named_table(path)
    with_user = str(path) == "/etc/crontab" or has_user_column(
        table.text, {one.pw_name for one in pwd.getpwall()}, lambda name: shutil.which(name) is not None
    )
    owner = "" if with_user else _owner(path)
    file = _table(table, path.name.replace(".", "-"), with_user=with_user, user=owner)
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


def _table(table: CrontabFile, name: str, *, with_user: bool, user: str = "") -> ImportedFile:
    file = ImportedFile(str(table.path), name, [*cron_task.HEADER], private=table.private)
    if table.marked:
        file.header.append("It begins with a byte order mark, because of which cron does not read its first line.")
    entries = list(read_crontab(table.text, with_user=with_user))
    if not any(isinstance(entry, CrontabEntry) and "PATH" in entry.environment for entry in entries):
        file.header.append("cron's PATH is /usr/bin:/bin; here it has the directories of a login.")
    for entry in entries:
        origin = f"{table.path}:{entry.line}"
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
    _sort(file, anacron_task.anacron_tasks(named_table(path).text, str(path)))
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
