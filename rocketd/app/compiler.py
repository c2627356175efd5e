"""From a task of the application to a task of the core."""

import os
from collections.abc import Hashable
from datetime import UTC, tzinfo

from rocketd.app.config import Config
from rocketd.app.function_conditions import bind_to_task
from rocketd.app.task import Task
from rocketd.app.task_body import CommandBody
from rocketd.app.validators import NEVER, duration_of, splay_of
from rocketd.config.calendar_files import CalendarFile
from rocketd.config.calendar_lookup import CalendarLookup, UnknownCalendar
from rocketd.config.calendar_settings import read_calendars
from rocketd.config.host_lookup import LOCAL, HostLookup
from rocketd.config.host_queries import HostQueries
from rocketd.config.problems import BadValue
from rocketd.config.task_files import Rights
from rocketd.core.conditions.masked_condition import MaskedCondition
from rocketd.core.errors import RocketdError
from rocketd.core.instant import Duration
from rocketd.core.model import task as core
from rocketd.core.model.condition import FALSE, Condition
from rocketd.core.model.task import Call, Execution, On
from rocketd.core.model.work_calendar import Calendars


class TaskCompiler:
    """Makes the core's tasks. Raises RocketdError for a zone or a calendar that does not exist."""

    def __init__(self, config: Config, *, strict: bool = True) -> None:
        """`strict`: whether a calendar that cannot be read is an error; else nothing is known of its days."""
        self._config, self._strict = config, strict
        self.zone, self.zone_name = zone_of(config.timezone)
        self._calendars = CalendarLookup(Rights(frozenset({0, os.geteuid()}), strict=False), HostQueries())
        self._calendars.use(read_calendars(config.calendars))

    def compile(self, task: Task, *, idle: bool = False, as_enabled: bool = False) -> core.Task:
        """Make the task as it is now; one that is disabled, or `idle`, runs only when asked for.

        An idle one stays armed as it is, and what it waits for is not lost; a disabled one is armed anew afterwards.
        """
        disabled = task.disabled and not as_enabled
        restart_delay = self._config.restart_delay if task.restart_delay is None else task.restart_delay
        splay = splay_of(task.splay)
        condition = FALSE if disabled else bind_to_task(task.start_cond, task.name, task.session)
        when = MaskedCondition(condition) if idle else condition
        stop_when = bind_to_task(task.end_cond, task.name, task.session)
        return core.Task(
            name=task.name,
            work=self._work(task),
            when=when,
            stop_when=stop_when,
            zone=self.zone,
            zone_name=self.zone_name,
            calendars=self.calendars_of(when, stop_when),
            timeout=self._longest(task),
            kill_grace=duration_of(task.kill_grace),
            overlap=task.how_overlaps,
            restart_delay=duration_of(restart_delay),
            crash_limit=task.crash_limit,
            mutex=task.mutex,
            priority=task.priority,
            on=On.SHUTDOWN if task.on_shutdown and not (idle or disabled) else None,
            splay=splay.most,
            splay_each_run=splay.each_run,
            description=task.description or "",
            tags=tuple(task.tags),
        )

    def session_task(self, name: str, condition: Condition) -> core.Task:
        """Make a task that never runs. It makes the scheduler load and probe what a condition of the session needs."""
        work, calendars = Call(Execution.MAIN), self.calendars_of(condition)
        return core.Task(name, work, stop_when=condition, zone=self.zone, zone_name=self.zone_name, calendars=calendars)

    def calendars_of(self, *conditions: Condition) -> Calendars:
        """Return the calendars that these conditions ask; raises RocketdError for one that cannot be read."""
        try:
            found = self._calendars.of(conditions)
        except UnknownCalendar as error:
            (mistake,) = error.under(())
            raise RocketdError(mistake.message, hint=f'config.calendars = {{"{error.name}": {{…}}}}') from None
        for _, calendar in (*found.named, *found.files):
            if calendar.problem and self._strict:
                raise RocketdError(calendar.problem)
        return found

    @property
    def calendar_files(self) -> tuple[CalendarFile, ...]:
        """The files of calendars that were read."""
        return self._calendars.files

    def _longest(self, task: Task) -> Duration | None:
        """Say how long a run may take; None: as long as it likes."""
        span = self._config.timeout if task.timeout is None else task.timeout
        return None if task.permanent or span == NEVER else duration_of(span)

    def _work(self, task: Task) -> core.Work:
        if isinstance(task.body, CommandBody):
            return task.body.work({})  # its parameters are known when a run begins
        return Call(execution(task))


def execution(task: Task) -> Execution:
    """Say where it runs: a coroutine on the loop, a plain function in a thread, unless another place is named."""
    coroutine = task.body.is_coroutine
    match task.how:
        case "main":
            return Execution.ASYNC if coroutine else Execution.MAIN
        case "async":
            return Execution.ASYNC if coroutine else Execution.THREAD
    return Execution(task.how)


def zone_of(zone: tzinfo | str | None) -> tuple[tzinfo, str]:
    """Give a zone and its name; None is the host's. Raises BadValue for one that does not exist, or has no hash."""
    if isinstance(zone, tzinfo):
        if not isinstance(zone, Hashable):  # those of dateutil; what a zone says is kept by zone
            raise BadValue(f"the time zone {zone} cannot be hashed", "use zoneinfo.ZoneInfo")
        return zone, "UTC" if zone is UTC else str(zone)
    found = HostLookup(os.geteuid()).zone(zone or LOCAL)
    return found.tzinfo, found.name
