"""The calendars of one load: what conditions name, from `[calendar.NAME]` and from the files, each read once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

from rocketd.config.calendar_files import CalendarFile, read_calendar_file
from rocketd.config.calendar_settings import DEFAULT_CALENDAR, CalendarSettings
from rocketd.config.problems import BadValue, Problem
from rocketd.core.conditions.calendar_word import calendar_words
from rocketd.core.conditions.work_days import Dates
from rocketd.core.instant import Instant, datetime_of
from rocketd.core.model.work_calendar import ALWAYS_KNOWN, NO_CALENDARS, Calendars, WorkCalendar
from rocketd.core.suggestion import did_you_mean

if TYPE_CHECKING:
    from rocketd.config.host_queries import HostQueries
    from rocketd.config.task_files import Rights
    from rocketd.core.conditions.calendar_word import CalendarWord
    from rocketd.core.model.condition import Condition
    from rocketd.core.model.task import Task

_EARLY: Final = timedelta(days=60)
"""How long before the end of the covered years there is a warning."""


class UnknownCalendar(BadValue):
    """A calendar that rocketd.toml does not have; `name` is how the condition calls it."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        hint = did_you_mean(name, known) or f"add [calendar.{name}] to rocketd.toml"
        super().__init__(f"there is no calendar '{name}'", hint)
        self.name = name


class CalendarLookup:
    """Finds calendars by name, and files by path."""

    def __init__(self, rights: Rights, queries: HostQueries) -> None:
        self._rights = rights
        self._queries = queries
        self._settings: Mapping[str, CalendarSettings] = {}
        self._unusable = ""
        self._files: dict[str, CalendarFile] = {}
        self._named: dict[str, WorkCalendar] = {}
        self._words: dict[int, tuple[Condition, list[CalendarWord]]] = {}
        """The words of conditions that were asked about: thousands of tasks share a few conditions."""

    def use(self, settings: Mapping[str, CalendarSettings], *, unusable: str = "") -> None:
        """Take the calendars from these settings; `unusable`: why they are not known."""
        self._settings, self._unusable = settings, unusable
        self._named.clear()

    def of(self, conditions: Iterable[Condition]) -> Calendars:
        """Return the calendars that these conditions ask; raises UnknownCalendar."""
        words = [word for condition in conditions for word in self._words_of(condition)]
        if not words:
            return NO_CALENDARS
        named = {word.calendar: self.named(word.calendar) for word in words if not isinstance(word, Dates)}
        files = {word.calendar: self.file(word.calendar) for word in words if isinstance(word, Dates)}
        return Calendars(tuple(sorted(named.items())), tuple(sorted(files.items())))

    def renewed(self, task: Task) -> Task:
        """Return the task with what its calendars say now; of one that is no longer there nothing is known."""
        if task.calendars is NO_CALENDARS:
            return task
        try:
            calendars = self.of(task.conditions)
        except UnknownCalendar as error:
            (mistake,) = error.under(())
            unknown = WorkCalendar(problem=mistake.message)
            calendars = replace(task.calendars, named=tuple((name, unknown) for name, _ in task.calendars.named))
        return task if calendars == task.calendars else replace(task, calendars=calendars)

    def _words_of(self, condition: Condition) -> list[CalendarWord]:
        known = self._words.get(id(condition))
        if known is None:  # the condition is kept, so that its id is not another's meanwhile
            known = self._words[id(condition)] = (condition, calendar_words((condition,)))
        return known[1]

    def source(self, word: CalendarWord) -> WorkCalendar:
        """Return the calendar of one word; raises UnknownCalendar."""
        return self.file(word.calendar) if isinstance(word, Dates) else self.named(word.calendar)

    def named(self, name: str) -> WorkCalendar:
        """Return the calendar of that name; empty: the default. Raises UnknownCalendar."""
        if self._unusable:
            return WorkCalendar(problem=self._unusable)
        if name not in self._named:
            settings = self._settings.get(name or DEFAULT_CALENDAR)
            if settings is None and name and name != DEFAULT_CALENDAR:
                raise UnknownCalendar(name, self._settings)
            self._named[name] = ALWAYS_KNOWN if settings is None else self._joined(settings)
        return self._named[name]

    def file(self, path: str) -> WorkCalendar:
        """Return what one file lists, without a weekend."""
        read = self._read(path)
        lists = () if read.listed is None else (read.listed,)
        return WorkCalendar(frozenset(), lists, read.problem)

    def _joined(self, settings: CalendarSettings) -> WorkCalendar:
        read = [self._read(path) for path in settings.holidays]
        problem = next((file.problem for file in read if file.problem), "")
        lists = tuple(file.listed for file in read if file.listed is not None)
        return WorkCalendar(settings.weekend, () if problem else lists, problem)

    def _read(self, path: str) -> CalendarFile:
        if path not in self._files:
            self._files[path] = read_calendar_file(path, self._rights, self._queries)
        return self._files[path]

    @property
    def files(self) -> tuple[CalendarFile, ...]:
        """The files that were read, by path."""
        return tuple(file for _, file in sorted(self._files.items()))

    def declared(self) -> dict[str, WorkCalendar]:
        """Read all calendars of the settings, and return them by name; none if these are not known."""
        return {} if self._unusable else {name: self.named(name) for name in self._settings}

    def problems(self, at: Instant | None) -> list[Problem]:
        """Return what is wrong with the files that were read, also with what they cover at an instant."""
        warnings = [] if at is None else coverage_warnings(self.files, datetime_of(at).date())
        return [*(problem for file in self.files for problem in file.problems), *warnings]


def coverage_warnings(files: Iterable[CalendarFile], today: date) -> list[Problem]:
    """Return a warning for each file whose years are over soon, whose dates are all past, or lie in other years."""
    found = []
    for file in files:
        if message := _coverage(file, today):
            hint = "write the file anew, as with rocketctl calendar make"
            found.append(Problem(file.path, 1, 1, "", "warning", message, hint))
        if years := _outside(file):
            message = f"dates of {', '.join(map(str, years))} do not count: the file covers other years"
            found.append(
                Problem(file.path, 1, 1, "", "warning", message, "add them to the line that begins with covers")
            )
    return found


def _outside(file: CalendarFile) -> list[int]:
    """Return the years of which a file lists dates, although it says that it does not cover them."""
    listed = file.listed
    if listed is None or listed.covers is None:
        return []
    years = {date.fromordinal(day).year for day in (*listed.days, *listed.workdays)}
    return sorted(year for year in years if not listed.covers.first <= year <= listed.covers.last)


def _coverage(file: CalendarFile, today: date) -> str:
    listed = file.listed
    if listed is None:
        return ""
    if listed.covers is not None:
        ends = date(listed.covers.last, 12, 31)
        return "" if today + _EARLY <= ends else f"nothing is known of {listed.covers.last + 1}"
    last = max((*listed.days, *listed.workdays), default=None)
    if last is None or listed.yearly or last >= today.toordinal():
        return ""
    return f"the last date is {date.fromordinal(last)}, and the file does not say which years it covers"
