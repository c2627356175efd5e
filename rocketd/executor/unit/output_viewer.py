"""Follows what units print, for those who want to see it at once: it is in the journal already.

journald notifies readers within some 250 ms of an entry (sd_journal_get_fd(3)). Between two notifications nothing is
done. Before the end of a run is told, everything that it has printed is: whoever ends a run asks journald to write down
what it has, and then has this read on to the end.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, TypeAlias

from rocketd.core.instant import Instant
from rocketd.core.model.recent_output import JournalPlace, RecentOutput
from rocketd.core.model.run import Run
from rocketd.executor.unit.active_units import ActiveUnits
from rocketd.executor.unit.run_journal import Question, RunJournal, place_of
from systemd import journal

ShowLine: TypeAlias = Callable[[Run, str, str, JournalPlace], object]

AT_ONCE: Final = 100
"""Lines that are told before others have their turn: some 5 ms."""


class JournalFollower:
    """Reads what units print from now on. On the loop's thread."""

    def __init__(self, line: Callable[[str, str, JournalPlace], None]) -> None:
        """`line` takes the id of a run, a line, and where that is in the journal; raises OSError if there is none."""
        self._line = line
        self._loop = asyncio.get_running_loop()
        self._reader = _reader_at_end()
        self._descriptor: int | None = None
        self._told_until: Instant = 0
        """When the newest line that was told reached journald."""
        self._later: asyncio.Handle | None = None
        with suppress(OSError):  # no inotify instance is left: then lines are told with the end of their run
            self._descriptor = self._reader.fileno()
            self._loop.add_reader(self._descriptor, self._ready)
        self._ready()  # what was written before the journal was watched has no notification

    def close(self) -> None:
        """Follow no longer."""
        if self._later is not None:
            self._later.cancel()
        if self._descriptor is not None:
            self._loop.remove_reader(self._descriptor)
        self._reader.close()

    async def catch_up(self) -> None:
        """Tell all that is in the journal by now, and not what other runs print meanwhile."""
        now = time.time_ns() // 1000
        while self._tell_some() and self._told_until <= now:  # noqa: ASYNC110 - others have their turn; nothing is awaited
            await asyncio.sleep(0)

    def _ready(self) -> None:
        if self._later is None:
            self._go_on()

    def _go_on(self) -> None:
        self._later = self._loop.call_soon(self._go_on) if self._tell_some() else None

    def _tell_some(self) -> bool:
        """Tell the next lines; whether there may be more."""
        for _ in range(AT_ONCE):
            entry = self._next()
            if not entry:
                return False
            self._told_until = entry["__REALTIME_TIMESTAMP"]
            self._line(str(entry.get("ROCKETD_RUN_ID", "")), entry.get("MESSAGE", ""), place_of(entry["__CURSOR"]))
        return True

    def _next(self) -> Any:  # noqa: ANN401 - the library's dictionary, or nothing
        """Return the next line; what has become of the files of the journal is noticed before each.

        A rotation begins a new file, as the first line of a user does, and cuts off what the old one does not need: to
        read there, by the size that it had, would be a SIGBUS.
        """
        try:
            self._reader.process()
            return self._reader.get_next()
        except OSError:  # a journal file was removed: the next notification finds the others
            return None


def _reader_at_end() -> journal.Reader:
    """Return a reader behind the newest entry: by its place, as entries that come may have earlier times."""
    reader = journal.Reader(flags=journal.LOCAL_ONLY, converters={"MESSAGE": _text, "__REALTIME_TIMESTAMP": int})
    reader.seek_tail()
    if not reader.get_previous():
        reader.seek_head()
    reader.add_match(_TRANSPORT="stdout")
    reader.add_match(ROCKETD_STREAM="stdout")
    return reader


def _text(data: bytes) -> str:
    return data.decode(errors="backslashreplace")


class OutputViewer:
    """Follows while somebody wants to see what runs print."""

    def __init__(self, runs: ActiveUnits, run_journal: RunJournal, show: ShowLine) -> None:
        """`show` takes a line that is in the journal, and where it is there."""
        self._runs = runs
        self._journal = run_journal
        self._show = show
        self._follower: JournalFollower | None = None

    def follow(self, *, wanted: bool) -> None:
        """Begin or end to follow."""
        if not wanted and self._follower is not None:
            self._follower.close()
            self._follower = None
        elif wanted and self._follower is None:
            with suppress(OSError):  # there is no journal: nor is there what it would have told
                self._follower = JournalFollower(self._printed)

    async def catch_up(self) -> None:
        """Tell all that is in the journal by now, if somebody follows."""
        if self._follower is not None:
            await self._follower.catch_up()

    async def recent(self, run: Run) -> RecentOutput | None:
        """Return what a run has printed, as far as the journal has it; None: it has no unit."""
        one = self._runs.get(run.key)
        if one is None:
            return None
        facts = await self._journal.facts(Question(one.unit, run.run_id, one.task.output_tail))
        return RecentOutput(facts.output, facts.place)

    def _printed(self, run_id: str, line: str, place: JournalPlace) -> None:
        one = self._runs.of_run_id(run_id)
        if one is not None:
            self._show(one.run, "stdout", line, place)
