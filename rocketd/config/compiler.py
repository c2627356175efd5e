"""Compiles a task spec into a task: texts become conditions, names become ids, and nothing is left to look up."""

import os
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import tzinfo
from typing import TypeVar

from rocketd.config import task_settings as key
from rocketd.config.access_values import access_values
from rocketd.config.account_names import BadGroup
from rocketd.config.calendar_lookup import UnknownCalendar
from rocketd.config.command_hint import command_hint
from rocketd.config.engine_settings import ENGINE
from rocketd.config.engine_values import engine_of
from rocketd.config.fleet_settings import RUN_ON
from rocketd.config.former_names import FORMERLY
from rocketd.config.host_lookup import UTC_ZONE, HostLookup, Zone
from rocketd.config.ignored_warnings import IGNORE_WARNINGS
from rocketd.config.notification_values import notification_values
from rocketd.config.problems import BadValue, Fault, Mistake, Severity
from rocketd.config.setting import Setting
from rocketd.config.task_spec import TaskSpec
from rocketd.core.errors import ConditionError
from rocketd.core.language.parser import parse
from rocketd.core.model.condition import FALSE, Condition
from rocketd.core.model.executor_choice import no_unit_because_of
from rocketd.core.model.task import CLEAN_PATH, Command, ExecutorKind, Function, Identity, Surroundings, Task, Work
from rocketd.core.model.work_calendar import NO_CALENDARS, Calendars
from rocketd.core.suggestion import closest

T = TypeVar("T")

_WORK = (key.COMMAND.key, key.FUNCTION.key)
_BOUND = {name: setting for name, setting in key.TASK.items() if setting.only}


class TaskSpecCompiler:
    """Compiles the tasks of one load; equal conditions and surroundings are shared objects."""

    def __init__(self, host: HostLookup) -> None:
        self._host = host
        self._conditions: dict[str, Condition] = {"false": FALSE}
        self._shared: dict[Surroundings, Surroundings] = {}

    def compile(self, spec: TaskSpec, file: str) -> tuple[Task | None, list[Mistake]]:
        """Return the task, or None if it has errors; either way, all mistakes."""
        compilation = _TaskCompilation(spec, self._host, self._conditions)
        task = compilation.task(file, self._share)
        if task is not None:
            compilation.check_executor(task)
        return (None if compilation.has_errors else task), compilation.mistakes

    def _share(self, surroundings: Surroundings) -> Surroundings:
        return self._shared.setdefault(surroundings, surroundings)


class _TaskCompilation:
    """Compiles one task."""

    def __init__(self, spec: TaskSpec, host: HostLookup, conditions: dict[str, Condition]) -> None:
        self.mistakes: list[Mistake] = []
        self._spec = spec
        self._values = spec.values
        self._host = host
        self._conditions = conditions
        self._zone_unknown = False

    def task(self, file: str, share: Callable[[Surroundings], Surroundings]) -> Task | None:
        values, zone = self._values, self._zone()
        when, stop_when = self._condition(key.WHEN), self._condition(key.STOP_WHEN)
        work = self._work(share(self._surroundings(zone)))
        if work is None or self.has_errors:
            return None
        return Task(
            name=self._spec.name,
            work=work,
            when=when,
            stop_when=stop_when,
            zone=zone.tzinfo,
            zone_name=zone.name,
            calendars=self._calendars(when, stop_when),
            timeout=values[key.TIMEOUT],
            kill_grace=values[key.KILL_GRACE],
            overlap=values[key.OVERLAP],
            restart_delay=values[key.RESTART_DELAY],
            crash_limit=values[key.CRASH_LIMIT],
            mutex=values[key.MUTEX],
            priority=values[key.PRIORITY],
            on=values[key.ON],
            run_on=values[RUN_ON],
            splay=(splay := values[key.SPLAY]).most,
            splay_each_run=splay.each_run,
            output_tail=values[key.OUTPUT_TAIL],
            output_limit=values[key.OUTPUT_LIMIT],
            output_file=values[key.OUTPUT_FILE],
            separate_stderr=values[key.SEPARATE_STDERR] or "stderr" in values[key.FAILS_ON],
            executor=self._executor_kind(),
            unit=values[key.UNIT] if self._executor_kind() is not ExecutorKind.PROCESS else (),
            engine=engine_of(self._spec, self.mistakes),
            description=values[key.DESCRIPTION],
            tags=values[key.TAGS],
            formerly=values[FORMERLY],
            ignored_warnings=values[IGNORE_WARNINGS],
            file=file,
            **notification_values(values),
            **access_values(self._spec, self._host, self.mistakes),
        )

    @property
    def has_errors(self) -> bool:
        """Whether anything is wrong that keeps the task from being loaded."""
        return any(mistake.severity == "error" for mistake in self.mistakes)

    def check_executor(self, task: Task) -> None:
        """Note what a unit of systemd cannot do, where a unit is asked for, and what only a unit can."""
        wanted = key.EXECUTOR if key.EXECUTOR.key in self._spec.own else key.UNIT
        if task.executor is ExecutorKind.UNIT and not task.engine and (obstacle := task.needs_process):
            self._note(wanted, no_unit_because_of(obstacle), 'leave it out, or write executor = "process"')
        if task.executor is ExecutorKind.PROCESS and key.UNIT.key in self._spec.own:
            self._note(key.UNIT, 'with executor = "process" there is no unit that this could be about')
        for complaint in self._host.unit_complaints(task.unit):
            path = (*self._spec.path(key.UNIT), complaint.key)
            self.mistakes.append(Mistake(path, f"systemd does not take this: {complaint.words}", at_key=True))
        if task.has_dynamic_user and self._values[key.USER]:
            self._note(key.UNIT, "with DynamicUser, systemd makes up the user", "leave user out")

    def _executor_kind(self) -> ExecutorKind | None:
        """What systemd is told about units asks for units."""
        kind = self._values[key.EXECUTOR]
        return ExecutorKind.UNIT if kind in {None, ExecutorKind.AUTO} and self._values[key.UNIT] else kind

    def _try(self, setting: Setting[object], build: Callable[[], T], default: T) -> T:
        try:
            return build()
        except BadValue as mistake:
            self.mistakes += mistake.under(self._spec.path(setting))
            return default

    def _note(self, setting: Setting[object], message: str, hint: str = "", severity: Severity = "error") -> None:
        self.mistakes.append(Mistake(self._spec.path(setting), message, hint, severity))

    def _zone(self) -> Zone:
        name = self._values[key.TIMEZONE]
        try:
            return self._host.zone(name)
        except BadValue as mistake:
            path = self._spec.path(key.TIMEZONE) if name else ("task", self._spec.name)
            self.mistakes += [replace(compilation, at_key=not name) for compilation in mistake.under(path)]
            return UTC_ZONE

    def _condition(self, setting: Setting[str]) -> Condition:
        text = self._values[setting]
        known = self._conditions.get(text)
        if known is None:
            known = self._try(setting, lambda: self._parsed(text), None)
            if known is None:
                return FALSE
            self._conditions[text] = known
        return known

    def _calendars(self, when: Condition, stop_when: Condition) -> Calendars:
        """Return what the calendars say that these conditions name."""
        for setting, condition in ((key.WHEN, when), (key.STOP_WHEN, stop_when)):
            try:
                self._host.calendars_of((condition,))
            except UnknownCalendar as error:
                mistakes = error.under(self._spec.path(setting))
                self.mistakes += [replace(mistake, word=error.name) for mistake in mistakes]
                return NO_CALENDARS
        return self._host.calendars_of((when, stop_when))

    def _parsed(self, text: str) -> Condition | None:
        self._zone_unknown = False
        try:
            return parse(text, self._named_zone)
        except ConditionError as error:
            fault = Fault.HOST if self._zone_unknown else Fault.FILE
            raise BadValue(error.message, error.hint, start=error.start, end=error.end, fault=fault) from None

    def _named_zone(self, name: str) -> tzinfo:
        try:
            return self._host.zone(name).tzinfo
        except BadValue as error:
            self._zone_unknown = True
            (mistake,) = error.under(())
            raise ConditionError(mistake.message, hint=mistake.hint) from None

    def _surroundings(self, zone: Zone) -> Surroundings:
        values = self._values
        self._check_files()
        return Surroundings(
            identity=self._identity(),
            directory=values[key.DIRECTORY],
            umask=values[key.UMASK],
            nice=values[key.NICE],
            limits=values[key.LIMITS],
            environment=values[key.ENVIRONMENT],
            environment_files=values[key.ENVIRONMENT_FILES],
            timezone=zone.variable,
        )

    def _identity(self) -> Identity | None:
        try:
            return self._host.identity(self._values[key.USER], self._values[key.GROUP])
        except BadValue as mistake:
            setting = key.GROUP if isinstance(mistake, BadGroup) else key.USER
            self.mistakes += mistake.under(self._spec.path(setting))
            return None

    def _check_files(self) -> None:
        directory = self._values[key.DIRECTORY] if self._values[ENGINE] is None else ""
        if directory and not self._host.is_directory(directory):
            self._note(key.DIRECTORY, f"there is no directory '{directory}'", severity="warning")
        self._check_output_file()
        for file in self._values[key.ENVIRONMENT_FILES]:
            if not file.startswith("-") and not self._host.is_file(file):
                hint = f"if it may be missing, write '-{file}'"
                self._note(key.ENVIRONMENT_FILES, f"there is no file '{file}'", hint, "warning")
            elif reason := self._host.environment_file_problem(file.removeprefix("-")):
                self._note(key.ENVIRONMENT_FILES, reason, severity="warning")

    def _check_output_file(self) -> None:
        directory = self._values[key.OUTPUT_FILE].rpartition("/")[0]
        if directory and not set("%{") & set(directory) and not self._host.is_directory(directory):
            self._note(key.OUTPUT_FILE, f"there is no directory '{directory}'", severity="warning")

    def _work(self, surroundings: Surroundings) -> Work | None:
        own, values = self._spec.own, self._values
        if own.intersection(_WORK):
            self._check_bound()
        if key.COMMAND.key in own and key.FUNCTION.key in own:
            self._note(key.FUNCTION, "a task has a command or a function, not both")
        elif key.COMMAND in values:
            return self._command(surroundings)
        elif key.FUNCTION in values:
            return self._function(surroundings)
        elif not any(name in _WORK or closest(name, key.TASK) in _WORK for name in own):
            path = ("task", self._spec.name)
            hint = 'add a command, for example command = ["/usr/bin/true"], or a function'
            self.mistakes.append(Mistake(path, "this task has nothing to run", hint, at_key=True))
        return None

    def _check_bound(self) -> None:
        for name in self._spec.own & _BOUND.keys():
            setting = _BOUND[name]
            if setting.only not in self._spec.own:
                path = self._spec.path(setting)
                self.mistakes.append(Mistake(path, f"'{name}' has no effect without '{setting.only}'", at_key=True))

    def _command(self, surroundings: Surroundings) -> Command | None:
        values = self._values
        success, inaction = values[key.SUCCESS_CODES], values[key.INACTION_CODES]
        if both := success & inaction:
            self._note(key.INACTION_CODES, f"exit code {min(both)} cannot mean success and inaction at once")
        argv = self._try(key.COMMAND, self._argv, None)
        fails_on = values[key.FAILS_ON]
        return Command(argv, values[key.PARAMETERS], surroundings, success, inaction, fails_on) if argv else None

    def _argv(self) -> tuple[str, ...] | None:
        command, shell = self._values[key.COMMAND], self._values[key.SHELL]
        if isinstance(command, str):
            if not shell:
                raise BadValue("a command that is a string needs shell = true", command_hint(command))
            return ("/bin/sh", "-c", command)
        if shell and key.SHELL.key in self._spec.own:
            self._note(key.SHELL, "shell = true needs a command that is a string", "remove shell")
        program = self._program(command[0])
        if program:
            self._check_program(program)
        return (sys.intern(program), *command[1:])  # many tasks have the same program

    def _check_program(self, program: str) -> None:
        if "/" not in program and self._values[key.ENVIRONMENT_FILES]:
            return  # which may set another PATH when it starts
        if self._values[ENGINE] is not None:
            return  # it is where the engine carries it out
        search = dict(self._values[key.ENVIRONMENT]).get("PATH", CLEAN_PATH)
        if reason := self._host.execution_problem(program, search):
            self.mistakes.append(Mistake((*self._spec.path(key.COMMAND), 0), reason, "", "warning"))

    def _program(self, name: str) -> str:
        if "/" not in name or name.startswith("/"):
            return name
        directory = self._values[key.DIRECTORY]
        if not directory and key.DIRECTORY.key in self._spec.own:
            return ""  # what is written there is a mistake of its own
        if not directory:
            hint = "write an absolute path, or set directory"
            raise BadValue(f"'{name}' depends on the working directory, and none is set", hint, path=(0,))
        return os.path.join(directory, name)  # noqa: PTH118 - a string in, a string out, `./` left as it is

    def _function(self, surroundings: Surroundings) -> Function:
        values = self._values
        python = values[key.PYTHON]
        if python and (reason := self._host.execution_problem(python, "")):
            self._note(key.PYTHON, reason, severity="warning")
        return Function(values[key.FUNCTION], python, values[key.PARAMETERS] or "{}", surroundings)
