"""Loading: from directories to tasks and problems, and again after a change.

    file                    its tasks
    good                    loaded
    with an error           absent at start; at reload, those of its last good version stay
    that cannot be read     the same, until it can
    unchanged               those that are there already, if the host still answers as it did

A file is one piece: an error in one of its tasks excludes all of them, so that a chain is never loaded by halves. A
mistake between files (`cross_file_checks`) excludes only the task it is about. So does what the host lacks, such as a
user: that is not a mistake of the file, and `recheck_host` finds out whether it has passed.
"""

from collections.abc import Collection, Sequence
from pathlib import Path

from rocketd.config.calendar_files import CalendarFile
from rocketd.config.daemon_settings import DEFAULTS, Settings
from rocketd.config.host_queries import HostQueries, with_timeouts
from rocketd.config.load_result import LoadResult, LoadSource
from rocketd.config.task_file_loader import TaskFileLoader
from rocketd.config.task_files import DEFAULT_DIRECTORIES
from rocketd.core.instant import Instant
from rocketd.core.model.condition import Condition
from rocketd.core.model.work_calendar import Calendars


def load(  # noqa: PLR0913 - all but the first are names of what differs
    directories: Sequence[Path] = DEFAULT_DIRECTORIES,
    *,
    strict: bool = True,
    known: Collection[str] = (),
    at: Instant | None = None,
    settings: Settings = DEFAULTS,
    confined: bool = False,
) -> LoadResult:
    """Load all task files; never raises for what is in them.

    Where several directories have a file of the same name, the last one's counts. A path may also be a single file.
    Not `strict` is for `check` by others than the daemon's user: files that the daemon would refuse are read all the
    same, with a warning, and tasks may be anybody's. `known` are names that count as loaded tasks.
    `at` is an instant as of which tasks are warned of that never start, or again and again; None: of none.
    `settings` count where `rocketd.toml` is not among the files. `confined`: as in `executor_notes`.
    """
    source = LoadSource(tuple(directories), strict, frozenset(known), at, settings, confined)
    return with_timeouts(lambda queries: TaskFileLoader(queries, source, None).loaded())


def reload(previous: LoadResult) -> LoadResult:
    """Load again from the same source; the tasks of files that have errors now stay as they were."""
    return with_timeouts(lambda queries: TaskFileLoader(queries, previous.source, previous).loaded())


def recheck_host(previous: LoadResult) -> LoadResult:
    """Load again what the host may answer otherwise by now; files that were edited, or are new, wait for a reload."""
    return with_timeouts(lambda queries: TaskFileLoader(queries, previous.source, previous, edits=False).loaded())


def load_settings(directories: Sequence[Path] = DEFAULT_DIRECTORIES, *, strict: bool = True) -> Settings | None:
    """The settings that `load` would give, without reading the other files; None if `rocketd.toml` has an error."""
    source = LoadSource(tuple(directories), strict)
    return with_timeouts(lambda queries: TaskFileLoader(queries, source, None).settings())


def load_calendars(
    conditions: Sequence[Condition], directories: Sequence[Path] = DEFAULT_DIRECTORIES, *, strict: bool = True
) -> tuple[Calendars, tuple[CalendarFile, ...]]:
    """The calendars that these conditions ask, and the files that were read; raises UnknownCalendar."""
    source = LoadSource(tuple(directories), strict)

    def read(queries: HostQueries) -> tuple[Calendars, tuple[CalendarFile, ...]]:
        lookup = TaskFileLoader(queries, source, None).calendars()
        return lookup.of(conditions), lookup.files

    return with_timeouts(read)
