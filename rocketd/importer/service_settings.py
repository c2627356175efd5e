"""A service of systemd becomes the settings of a task: the task's own where it has them, `unit` for the rest.

A service that does what no task can say (a type that notifies, commands with more rights, other units that it starts)
is started as the unit it is: `systemctl start NAME`.
"""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Final

from rocketd.config.problems import BadValue
from rocketd.config.unit_table import unit as read_unit_table
from rocketd.core.duration import format_duration, parse_duration
from rocketd.core.errors import ConditionError
from rocketd.importer.exec_line import ExecLine, command_of, read_exec, read_words
from rocketd.importer.restarts import retry_of
from rocketd.importer.task_draft import literal
from rocketd.importer.unit_file import UnitFile, UnknownSpecifier, expanded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rocketd.importer.task_draft import TaskDraft, Value

_SERVICE: Final = "Service"
_DIRECT_TYPES: Final = frozenset({"", "simple", "exec", "oneshot", "idle"})
_OTHER_COMMANDS: Final = ("ExecCondition", "ExecStop", "ExecStopPost", "ExecReload")
_INPUTS: Final = ("StandardInput", "StandardInputText", "StandardInputData")
_STARTS_UNITS: Final = ("Wants", "Requires", "BindsTo", "Upholds", "PartOf", "OnFailure", "OnSuccess", "Conflicts")
_ORDER: Final = ("After", "Before", "RequiresMountsFor", "StopWhenUnneeded", *_STARTS_UNITS)
_DONE: Final = frozenset(
    {
        "Type",
        "Restart",
        "RestartSec",
        "StartLimitBurst",
        "StartLimitIntervalSec",
        "StartLimitInterval",
        "ExecStart",
        "ExecStartPre",
        "ExecStartPost",
        "User",
        "Group",
        "WorkingDirectory",
        "UMask",
        "Nice",
    }
    | {"Environment", "EnvironmentFile", "TimeoutStartSec", "RuntimeMaxSec", "TimeoutStopSec", "TimeoutSec"}
    | {"SuccessExitStatus", "StandardOutput", "StandardError"}
)
_EXIT_NAMES: Final = {
    "SUCCESS": 0,
    "FAILURE": 1,
    "USAGE": 64,
    "DATAERR": 65,
    "NOINPUT": 66,
    "NOUSER": 67,
    "NOHOST": 68,
    "UNAVAILABLE": 69,
    "SOFTWARE": 70,
    "OSERR": 71,
    "OSFILE": 72,
    "CANTCREAT": 73,
    "IOERR": 74,
    "TEMPFAIL": 75,
    "PROTOCOL": 76,
    "NOPERM": 77,
    "CONFIG": 78,
}
"""The exit codes that systemd.exec(5) has names for."""
_NAME: Final = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_READ_DIFFERENTLY: Final = frozenset("*?[\"'\\")
"""What a shell and systemd do not read alike in a value that is split into words."""
_CONDITION: Final = re.compile(r"(Condition|Assert)([A-Z]\w*)")
_EXISTS: Final = frozenset({"PathExists", "PathIsDirectory", "FileIsExecutable"})


def service_settings(draft: TaskDraft, service: UnitFile) -> None:
    """Set what the task does, as far as the service says it."""
    draft.guards += _conditions(service)
    draft.guards += [f"unit_active({literal(unit)})" for unit in _units(service, "Requisite")]
    if description := service.last("Unit", "Description"):
        draft.settings["description"] = description
    why = _only_as_unit(service)
    if not why:
        try:
            _own_settings(draft, service)
        except (UnknownSpecifier, ConditionError, ValueError) as error:
            why = f"{error} is known to systemd alone" if isinstance(error, UnknownSpecifier) else str(error)
    if why:
        start_unit(draft, service.name, why)


def start_unit(draft: TaskDraft, name: str, why: str) -> None:
    """Have the task start the unit itself."""
    kept = {key: value for key, value in draft.settings.items() if key in ("description", "splay", "timezone", "on")}
    draft.settings.clear()
    draft.settings |= {**kept, "command": ["systemctl", "start", name]}
    draft.environment.clear()
    draft.missing.clear()
    draft.notes.append(f"It starts the unit as it is: {why}.")
    draft.notes.append("The output is in the journal of that unit.")


def _only_as_unit(service: UnitFile) -> str:
    """Return why the service cannot be a task; empty: it can."""
    kind = service.last(_SERVICE, "Type")
    if kind not in _DIRECT_TYPES:
        return f"it has Type={kind}"
    return _other_settings(service) or _other_units(service) or _other_commands(service)


def _other_settings(service: UnitFile) -> str:
    """Return a setting that no task has."""
    for key in _OTHER_COMMANDS:
        if service.all(_SERVICE, key):
            return f"it has {key}="
    for key in _INPUTS:
        if service.last(_SERVICE, key) not in ("", "null"):
            return f"it has {key}={service.last(_SERVICE, key)}"
    patterns = [file for file in service.all(_SERVICE, "EnvironmentFile") if set("*?[") & set(file)]
    return f"it has EnvironmentFile={patterns[0]}, a pattern" if patterns else ""


def _other_units(service: UnitFile) -> str:
    for key in _STARTS_UNITS:
        others = [unit for unit in _units(service, key) if not unit.endswith((".target", ".slice"))]
        if others:
            return f"it has {key}={' '.join(others)}"
    return ""


def _other_commands(service: UnitFile) -> str:
    lines = [line for key in ("ExecStartPre", "ExecStart", "ExecStartPost") for line in _commands(service, key)]
    if service.last(_SERVICE, "User") not in ("", "root") and any(line.privileged for line in lines):
        return "some of its commands run with more rights than its user"
    if any(line.renamed for line in lines):
        return "it tells a program another name (@)"
    return "" if _commands(service, "ExecStart") else "it has no ExecStart="


def _units(service: UnitFile, key: str) -> list[str]:
    return [unit for value in service.all("Unit", key) for unit in value.split()]


def _commands(service: UnitFile, key: str) -> list[ExecLine]:
    return [line for text in service.all(_SERVICE, key) for line in read_exec(text)]


def _own_settings(draft: TaskDraft, service: UnitFile) -> None:
    """Set command, user, limits and the rest; raises UnknownSpecifier, ConditionError and ValueError."""
    for (section, key), values in service.settings.items():
        if section == _SERVICE:
            service.settings[section, key] = [expanded(value, service.name) for value in values]
    settings, last = draft.settings, service.last
    lines = [line for key in ("ExecStartPre", "ExecStart", "ExecStartPost") for line in _commands(service, key)]
    settings |= command_of(lines)
    settings["user"] = last(_SERVICE, "User", "root")
    if group := last(_SERVICE, "Group"):
        settings["group"] = group
    _directory(draft, last(_SERVICE, "WorkingDirectory", "/"))
    _numbers(draft, service)
    _environment(draft, service)
    for name in (name for line in lines for name in line.split_variables):
        if _READ_DIFFERENTLY & set(draft.environment.get(name, "")):
            message = f"a shell would read the value of ${name} differently"
            raise ValueError(message)
    _output(draft, last(_SERVICE, "StandardOutput"), last(_SERVICE, "StandardError"))
    _times(draft, service)
    _restarts(draft, service)
    _rest(draft, service)


def _directory(draft: TaskDraft, written: str) -> None:
    if (directory := written.removeprefix("-")) != "~":
        draft.settings["directory"] = directory
        if directory != written:
            draft.missing.append(f"the - of WorkingDirectory={written}: without the directory the run fails")


def _numbers(draft: TaskDraft, service: UnitFile) -> None:
    if mask := service.last(_SERVICE, "UMask"):
        draft.settings["umask"] = mask.zfill(4)
    if nice := service.last(_SERVICE, "Nice"):
        draft.settings["nice"] = int(nice)
    words = [word for value in service.all(_SERVICE, "SuccessExitStatus") for word in value.split()]
    codes = [int(word) if word.isdecimal() else _EXIT_NAMES.get(word, -1) for word in words]
    if codes:
        draft.settings["success_codes"] = sorted({0, *(code for code in codes if code >= 0)})
    unknown = [word for word, code in zip(words, codes, strict=True) if code < 0]
    draft.missing += [f"SuccessExitStatus={' '.join(unknown)}"] if unknown else []


def _environment(draft: TaskDraft, service: UnitFile) -> None:
    for value in service.all(_SERVICE, "Environment"):
        for word in read_words(value):
            name, equals, text = word.partition("=")
            if equals and _NAME.fullmatch(name):
                draft.environment[name] = text
            else:
                draft.missing.append(f"{word} in Environment=, which systemd leaves out as well")
    if files := service.all(_SERVICE, "EnvironmentFile"):
        draft.settings["environment_files"] = [*files]


def _output(draft: TaskDraft, target: str, error: str) -> None:
    kind, _, path = target.partition(":")
    if kind == "append":
        draft.settings["output_file"] = path.replace("%", "%%")
    elif kind == "null":
        draft.settings["output_limit"] = 0
    elif kind not in ("", "journal", "inherit", "syslog"):
        draft.missing.append(f"StandardOutput={target}")
    if error not in ("", "inherit", target) and {error, kind} - {"", "journal", "syslog"}:
        draft.missing.append(f"StandardError={error}")


def _times(draft: TaskDraft, service: UnitFile) -> None:
    oneshot = service.last(_SERVICE, "Type") == "oneshot"
    keys = ("TimeoutStartSec", "TimeoutSec", "RuntimeMaxSec") if oneshot else ("RuntimeMaxSec",)
    limit = next((value for key in keys if (value := service.last(_SERVICE, key))), "")
    if limit and limit not in ("infinity", "0"):
        draft.settings["timeout"] = duration(limit)
    grace = service.last(_SERVICE, "TimeoutStopSec") or service.last(_SERVICE, "TimeoutSec")
    if grace == "infinity":
        draft.missing.append("TimeoutStopSec=infinity (kill_grace ends at some time)")
    elif grace:
        draft.settings["kill_grace"] = duration(grace)


def _restarts(draft: TaskDraft, service: UnitFile) -> None:
    kind = service.last(_SERVICE, "Restart", "no")
    if kind == "on-failure" and draft.clock:
        draft.clock = " | ".join(filter(None, [draft.clock, retry_of(service)]))
    elif kind != "no":
        draft.missing.append(f"Restart={kind} (… | retry(3, delay='10 s') repeats what has failed)")


def duration(text: str) -> str:
    """Return a time span of systemd as rocketd spells it; raises ConditionError."""
    return format_duration(parse_duration(text))


def _rest(draft: TaskDraft, service: UnitFile) -> None:
    """Pass on what systemd itself has to do, and note what is left."""
    unit: dict[str, Value] = {}
    limits: dict[str, Value] = {}
    for (section, key), values in service.settings.items():
        if section != _SERVICE or key in _DONE or not values:
            continue
        if key.startswith("Limit"):
            limits[key.removeprefix("Limit").lower()] = int(values[-1]) if values[-1].isdecimal() else values[-1]
        elif not _passed_on(unit, key, values):
            draft.missing.append(f"{key}={values[-1]}")
    if limits:
        draft.settings["limits"] = limits
    if unit:
        draft.settings["unit"] = unit
    draft.missing += list(_order(service))


def _passed_on(unit: dict[str, Value], key: str, values: list[str]) -> bool:
    value: Value = values[-1] if len(values) == 1 else [*values]
    try:
        read_unit_table({key: value})
    except BadValue:
        return False
    unit[key] = value
    return True


def _order(service: UnitFile) -> Iterator[str]:
    for key in _ORDER:
        if units := [unit for unit in _units(service, key) if unit != "shutdown.target"]:
            yield f"{key}={' '.join(units)}"


def _conditions(service: UnitFile) -> list[str]:
    """Return the conditions of the unit; of those with `|`, one is enough."""
    every: list[str] = []
    some: list[str] = []
    for (section, key), values in service.settings.items():
        if section == "Unit" and (found := _CONDITION.fullmatch(key)):
            for value in values:
                (some if value.startswith("|") else every).append(_condition(found[2], value.lstrip("|")))
    return [*every, *([f"({' | '.join(some)})" if len(some) > 1 else some[0]] if some else [])]


def _condition(what: str, value: str) -> str:
    negated, plain = value.startswith("!"), value.removeprefix("!")
    if what in _EXISTS:
        return f"{'~' * negated}path_exists({literal(plain)})"
    command = f"systemd-analyze condition {shlex.quote(f'Condition{what}={value}')}"
    return f"command_succeeds({literal(command)}, every='1 min')"
