"""What was written in a file, key by key: exact types out, unknown keys refused with a suggestion.

Nothing is looked up here and no condition is parsed; the compiler does that.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final

from rocketd.config import engine_settings, unit_table
from rocketd.config.calendar_settings import CALENDAR, CALENDAR_NAME
from rocketd.config.engine_settings import REACHED_BY
from rocketd.config.foreign_spellings import OF_TIMERS, UNIT_SECTIONS, foreign_key_hint
from rocketd.config.http_settings import WEBHOOK_URL
from rocketd.config.logging_settings import read_logging
from rocketd.config.problems import MAX_MISTAKES, BadValue, Mistake, Path
from rocketd.config.setting import Section, Setting, Values
from rocketd.config.settings import SETTINGS
from rocketd.config.task_mail_settings import joined
from rocketd.config.task_settings import ENVIRONMENT, LIMITS, TASK_MAIL, UNIT
from rocketd.core.dataclass import dataclass, field
from rocketd.core.suggestion import did_you_mean

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
HOST_SECTIONS: Final = (
    *(Section.ROCKETD, Section.STORE, Section.FLEET, Section.MAIL),
    *(Section.HOOKS, Section.HTTP, Section.HEARTBEAT, Section.METRICS),
)
WEBHOOKS: Final = "webhook"
"""The table of tables `[webhook.NAME]`."""
CALENDARS: Final = "calendar"
"""The table of tables `[calendar.NAME]`."""


@dataclass(frozen=True, slots=True)
class TaskSpec:
    """A task as written, with the `[defaults]` of its file."""

    name: str
    values: Values
    own: frozenset[str]
    """The keys that were written for it, well or badly, and not taken from `[defaults]`."""

    def path(self, setting: Setting[object]) -> Path:
        """Where the setting was written."""
        return ("task", self.name, setting.key) if setting.key in self.own else ("defaults", setting.key)


@dataclass(slots=True)
class FileSpec:
    """A file as written, and every mistake in it."""

    tasks: list[TaskSpec] = field(default_factory=list)
    sections: dict[Section, Values] = field(default_factory=dict)
    """The daemon's own settings."""
    webhooks: dict[str, Values] = field(default_factory=dict)
    """Those of `[webhook.NAME]`, by name."""
    logging: dict[str, object] | None = None
    """The content of `[logging]`."""
    calendars: dict[str, Values] = field(default_factory=dict)
    """The tables `[calendar.NAME]`."""
    mistakes: list[Mistake] = field(default_factory=list)


def read_spec(document: Mapping[str, object], *, may_hold_settings: bool) -> FileSpec:
    """Read a TOML document."""
    spec = FileSpec()
    _check_keys(document, spec, may_hold_settings=may_hold_settings)
    for section in HOST_SECTIONS if may_hold_settings else ():
        if section in document:
            spec.sections[section] = Values(_read(document[section], (section,), section, spec.mistakes))
    if may_hold_settings and Section.LOGGING in document:
        spec.logging, mistakes = read_logging(document[Section.LOGGING])
        spec.mistakes += mistakes
    if may_hold_settings and WEBHOOKS in document:
        _webhooks(document[WEBHOOKS], spec)
    if may_hold_settings and CALENDARS in document:
        _calendars(document[CALENDARS], spec)
    _tasks(document, spec)
    return spec


def _check_keys(document: Mapping[str, object], spec: FileSpec, *, may_hold_settings: bool) -> None:
    own = ("task", Section.DEFAULTS.value)
    host = (*(section.value for section in HOST_SECTIONS), WEBHOOKS, CALENDARS, Section.LOGGING.value)
    for key, value in document.items():
        if len(spec.mistakes) > MAX_MISTAKES:
            break
        if key in own or (key in host and may_hold_settings):
            continue
        if key in host:
            hint = "put it into /etc/rocketd/rocketd.toml"
            spec.mistakes.append(Mistake((key,), f"[{key}] is only allowed in rocketd.toml", hint, at_key=True))
            continue
        hint = _header_hint(key, value, (*own, *host) if may_hold_settings else own)
        spec.mistakes.append(Mistake((key,), f"'{key}' does not belong in a task file", hint, at_key=True))


def _header_hint(key: str, value: object, known: Iterable[str]) -> str:
    """Say where what stands outside all known tables was probably meant to be."""
    of_task = SETTINGS[Section.TASK]
    if type(value) is list:
        return "write [task.NAME] above each task"
    if type(value) is not dict:
        if key in of_task:
            return f"write {key} below [task.NAME], or for all tasks of the file below [defaults]"
        return did_you_mean(key, known) or foreign_key_hint(key)
    if key in UNIT_SECTIONS:
        return OF_TIMERS
    tasks = [name for name, table in value.items() if type(table) is dict and name not in of_task]
    if tasks and len(tasks) == len(value):
        return f"write [task.{tasks[0]}]"
    return did_you_mean(key, known) or f"write [task.{key}]"


def _read(table: object, base: Path, section: Section, mistakes: list[Mistake]) -> dict[str, object]:
    if type(table) is not dict:
        mistakes.append(Mistake(base, "this must be a table", f"write [{'.'.join(map(str, base))}]"))
        return {}
    known = SETTINGS[section]
    read: dict[str, object] = {}
    for key, value in table.items():
        if len(mistakes) > MAX_MISTAKES:
            break
        setting = known.get(key)
        if setting is None:
            mistakes.append(_unknown((*base, key), key, section))
            continue
        try:
            read[key] = setting.kind.read(value)
        except BadValue as mistake:
            mistakes += mistake.under((*base, key))
    return read


def _unknown(path: Path, key: str, section: Section) -> Mistake:
    of_task = section in (Section.TASK, Section.DEFAULTS)
    hint = (foreign_key_hint(key) if of_task else "") or did_you_mean(key, SETTINGS[section])
    if section is Section.DEFAULTS and key in SETTINGS[Section.TASK]:
        return Mistake(path, f"'{key}' belongs to one task, not to [defaults]", at_key=True)
    for other, known in SETTINGS.items():
        if key in known and other not in (section, Section.DEFAULTS):
            hint = hint or f"it is a key of [{other}]"
    where = "a task" if section is Section.TASK else f"[{section}]"
    return Mistake(path, f"{where} has no key '{key}'", hint, at_key=True)


def _webhooks(tables: object, spec: FileSpec) -> None:
    if type(tables) is not dict:
        spec.mistakes.append(Mistake((WEBHOOKS,), "this must be a table", "write [webhook.NAME]"))
        return
    for name, table in tables.items():
        path = (WEBHOOKS, name)
        if not _NAME.fullmatch(name):
            spec.mistakes.append(Mistake(path, f"'{name}' cannot be the name of a webhook", at_key=True))
            continue
        spec.webhooks[name] = Values(_read(table, path, Section.WEBHOOK, spec.mistakes))
        if type(table) is dict and WEBHOOK_URL.key not in table:
            spec.mistakes.append(Mistake(path, "a webhook needs a url", at_key=True))


def _tasks(document: Mapping[str, object], spec: FileSpec) -> None:
    defaults = _read(document.get("defaults", {}), ("defaults",), Section.DEFAULTS, spec.mistakes)
    tables = document.get("task", {})
    if type(tables) is not dict:
        spec.mistakes.append(Mistake(("task",), "this must be a table", "write [task.NAME]"))
        return
    for name, table in tables.items():
        if len(spec.mistakes) > MAX_MISTAKES:
            break
        if not _NAME.fullmatch(name):
            spec.mistakes.append(_bad_name(name))
            continue
        if type(table) is not dict and name in SETTINGS[Section.TASK]:
            spec.mistakes.append(
                Mistake(("task", name), f"'{name}' belongs to one task", "write [task.NAME]", at_key=True)
            )
            continue
        own = _read(table, ("task", name), Section.TASK, spec.mistakes)
        if type(table) is dict:
            spec.tasks.append(TaskSpec(name, Values(_joined(defaults, own)), frozenset(table)))


def _calendars(tables: object, spec: FileSpec) -> None:
    if type(tables) is not dict:
        spec.mistakes.append(Mistake((CALENDARS,), "this must be a table", "write [calendar.default]"))
        return
    for name, table in tables.items():
        path = (CALENDARS, name)
        if not CALENDAR_NAME.fullmatch(name):
            hint = "letters, digits, '.', '_' and '-', at most 128 of them, the first a letter or a digit"
            spec.mistakes.append(Mistake(path, f"'{name}' cannot be the name of a calendar", hint, at_key=True))
        elif name in CALENDAR and type(table) is not dict:
            hint = "write [calendar.default]"
            spec.mistakes.append(Mistake(path, f"'{name}' belongs to one calendar", hint, at_key=True))
        else:
            spec.calendars[name] = Values(_read(table, path, Section.CALENDAR, spec.mistakes))


def _bad_name(name: str) -> Mistake:
    hint = "letters, digits, '.', '_' and '-', at most 128 of them, the first a letter or a digit"
    return Mistake(("task", name), f"'{name}' cannot be the name of a task", hint, at_key=True)


def _joined(defaults: dict[str, object], own: dict[str, object]) -> dict[str, object]:
    """Override the defaults of its file with a task's own settings; tables of named values are merged."""
    if not defaults:
        return own
    below, above = Values(defaults), Values(own)
    environment = dict(below[ENVIRONMENT]) | dict(above[ENVIRONMENT])
    limits = {limit.resource: limit for limit in (*below[LIMITS], *above[LIMITS])}
    tables: dict[str, object] = {ENVIRONMENT.key: tuple(environment.items()), LIMITS.key: tuple(limits.values())}
    tables[UNIT.key] = unit_table.joined(below[UNIT], above[UNIT])
    for setting in REACHED_BY.values():
        tables[setting.key] = engine_settings.joined(below[setting], above[setting])
    return defaults | own | tables | {TASK_MAIL.key: joined(below[TASK_MAIL], above[TASK_MAIL])}
