"""Finds tasks whose command still stands in a crontab or a timer of this host, so that it runs twice."""

from __future__ import annotations

import shlex
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rocketd.core.model.task import Command
from rocketd.importer.crontab_files import SourceError
from rocketd.importer.sources import ImportRequest, read_sources

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rocketd.core.model.task import Task
    from rocketd.importer.task_draft import TaskDraft

CRONTABS: Final = ("/etc/crontab",)
CRON_DIRECTORIES: Final = ("/etc/cron.d",)
USER_DIRECTORIES: Final = ("/var/spool/cron/crontabs", "/var/spool/cron")
ANACRONTABS: Final = ("/etc/anacrontab",)


def requests() -> Iterator[ImportRequest]:
    """Yield each source of this host that is there, alone: what cannot be read hides no other."""
    yield from (ImportRequest(crontabs=(path,)) for path in CRONTABS if Path(path).is_file())
    yield from (ImportRequest(cron_directories=(path,)) for path in CRON_DIRECTORIES if Path(path).is_dir())
    yield from (ImportRequest(user_directories=(path,)) for path in USER_DIRECTORIES if Path(path).is_dir())
    yield from (ImportRequest(anacrontabs=(path,)) for path in ANACRONTABS if Path(path).is_file())
    yield ImportRequest(timers=())


def duplicates(tasks: Iterable[Task], sources: Iterable[ImportRequest]) -> Iterator[tuple[Task, str]]:
    """Yield each task whose command is in one of these sources, and where: FILE:LINE, or the timer."""
    there: dict[str, str] = {}
    for request in sources:
        with suppress(SourceError):
            for file in read_sources(request).files:
                there |= {
                    _of_draft(draft): draft.origin for draft in file.drafts if draft.settings.get("enabled", True)
                }
    for task in tasks:
        if isinstance(task.work, Command) and (origin := there.get(_of_task(task.work))):
            yield task, origin


def _of_draft(draft: TaskDraft) -> str:
    command = draft.settings.get("command", "")
    return _normal(shlex.join(map(str, command)) if isinstance(command, list) else str(command))


def _of_task(work: Command) -> str:
    match work.argv:
        case (shell, "-c", text) if shell in ("/bin/sh", "sh"):
            return _normal(text)
    return _normal(shlex.join(work.argv))


def _normal(text: str) -> str:
    return " ".join(text.split())
