"""The keys of a task about the engine that its runs are handed off to: which one, and how it is reached."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from rocketd.config import table_values, value_types
from rocketd.config.problems import BadValue
from rocketd.config.secret_value import secret_place, web_url
from rocketd.config.setting import Setting, table
from rocketd.config.value_types import ValueType, each, string, toml_type, wrong_type
from rocketd.core.instant import SECOND, Duration
from rocketd.core.model.engine import EngineKind, RemoteManager
from rocketd.core.suggestion import did_you_mean

Pairs: TypeAlias = tuple[tuple[str, object], ...]
"""The keys of a table that were written, each with its value; of a task and of its `[defaults]` they are joined."""

_OPTION: Final = re.compile(r"[a-z][a-z0-9-]{0,63}")
_OURS: Final = {
    "chdir": "directory", "uid": "user", "gid": "group", "input": "parameters", "wrap": "command", "wait": "timeout",
}  # fmt: skip
"""What a setting of the task says."""
_NOT_POSSIBLE: Final = (
    *("job-name", "parsable", "requeue", "no-requeue", "array", "test-only", "help", "usage", "version", "quiet"),
    *("verbose", "clusters", "ignore-pbs", "export-file", "open-mode"),
)
"""What rocketd needs as it is: by it the job is found again, and begins once."""
_HOST: Final = re.compile(r"(?:[A-Za-z0-9_.][A-Za-z0-9_.-]*@)?[A-Za-z0-9_.:\[\]%][A-Za-z0-9_.:\[\]%-]*")
_NAMESPACE: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_USER: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")
_POD_OURS: Final = ("containers", "restartPolicy")
_CONTAINER_OURS: Final = ("name", "image", "command", "args", "env", "workingDir")


def _slurm(value: object) -> Pairs:
    if type(value) is not dict:
        raise wrong_type("a table", value, "write [task.NAME.slurm]")
    return each(((key, (key, item)) for key, item in value.items()), _slurm_option)


def _slurm_option(named: tuple[str, object]) -> tuple[str, object]:
    key, value = named
    if not _OPTION.fullmatch(key):
        raise BadValue(
            f"'{key}' is not a long option of sbatch", "without the dashes, as in cpus-per-task", at_key=True
        )
    if key in _OURS:
        raise BadValue(f"{key} is set by rocketd", f"the setting '{_OURS[key]}' of the task says it", at_key=True)
    if key in _NOT_POSSIBLE:
        raise BadValue(f"{key} cannot be set: rocketd relies on what it is", at_key=True)
    if key != "export" and (whole := next((one for one in (*_OURS, *_NOT_POSSIBLE) if one.startswith(key)), "")):
        raise BadValue(f"sbatch takes {key} for {whole}, which cannot be set here", at_key=True)
    if value is True:
        return key, ""
    if type(value) is int:
        return key, str(value)
    if type(value) is not str or not value:
        raise BadValue(f"this must be text, a number, or true for an option without a value, not {toml_type(value)}")
    return key, string(value)


def _keys(what: str, readers: Mapping[str, Callable[[object], object]]) -> Callable[[object], Pairs]:
    """Return what reads a table with these keys."""

    def read_one(named: tuple[str, object]) -> tuple[str, object]:
        key, value = named
        if key not in readers:
            raise BadValue(f"{what} has no key '{key}'", did_you_mean(key, readers), at_key=True)
        return key, readers[key](value)

    def read(value: object) -> Pairs:
        if type(value) is not dict:
            raise wrong_type("a table", value, f"write [task.NAME.{what}]")
        return each(((key, (key, item)) for key, item in value.items()), read_one)

    return read


def _matching(known: re.Pattern[str], what: str, hint: str) -> Callable[[object], str]:
    def read(value: object) -> str:
        text = value_types.non_empty(value)
        if not known.fullmatch(text):
            raise BadValue(f"'{text}' is not {what}", hint)
        return text

    return read


def _argv(value: object) -> tuple[str, ...]:
    argv = value_types.command(value)
    if isinstance(argv, str):
        raise wrong_type("a list of strings, the program and its arguments", value)
    if not argv[0].startswith("/"):
        raise BadValue(f"'{argv[0]}' is not an absolute path", "write the whole path, starting with /", path=(0,))
    return argv


def _fields(ours: tuple[str, ...]) -> Callable[[object], str]:
    def read(value: object) -> str:
        text = table_values.parameters(value)
        for key in json.loads(text):
            if key in ours:
                raise BadValue(f"{key} is set by rocketd", path=(key,), at_key=True)
        return text

    return read


ENGINE: Final = Setting[EngineKind | None](
    "engine",
    ValueType("`slurm`, `kubernetes`, `ssh` or `commands`", value_types.optional(value_types.choice(EngineKind))),
    None,
    "none",
    "Another scheduler that carries out the runs, each as one job under a name computed beforehand (see [handing runs "
    "off](../how-to/hand-off.md)): `slurm`, a job in a `kubernetes` cluster, systemd of another host by `ssh`, or "
    'three `commands` of your own. The table of that name says how it is reached. `""` overrides `[defaults]` with '
    "none.",
)
ENGINE_INTERVAL: Final = Setting[Duration](
    "engine_interval",
    ValueType("duration", value_types.duration(SECOND)),
    15 * SECOND,
    '`"15s"`',
    "The longest time between two questions to the engine about the same run, at least 1 s: engines do not report by "
    "themselves that a job has ended. The first question comes after a second, then the time doubles.",
)
SLURM: Final = Setting[Pairs](
    "slurm",
    ValueType("table", _slurm),
    (),
    "none",
    'What Slurm is told about the jobs, in its own words: long options of sbatch(1), as in `{ partition = "gpu", '
    'time = "4:00:00", cpus-per-task = 8 }`. Joined with those of `[defaults]`.',
)
KUBERNETES: Final = Setting[Pairs](
    "kubernetes",
    ValueType(
        "table",
        _keys(
            "kubernetes",
            {
                "server": web_url,
                "token": secret_place,
                "ca_file": value_types.path,
                "namespace": _matching(_NAMESPACE, "the name of a namespace", "small letters, digits and '-'"),
                "image": value_types.non_empty,
                "pod": _fields(_POD_OURS),
                "container": _fields(_CONTAINER_OURS),
            },
        ),
    ),
    (),
    "none",
    'The cluster: `server` (the URL of its API), `token` (`{ file = "/path" }` or `{ credential = "name" }`: that of '
    "a service account), `ca_file`, `namespace` (`default`), `image`; further fields of the pod's `spec` as `pod`, and "
    "of its container as `container`, in Kubernetes' words. Joined with those of `[defaults]`.",
)
SSH: Final = Setting[Pairs](
    "ssh",
    ValueType(
        "table",
        _keys(
            "ssh",
            {
                "host": _matching(_HOST, "a host, or USER@HOST", 'for example "backup@db1"'),
                "options": value_types.strings,
                "manager": value_types.choice(RemoteManager),
                "user": _matching(_USER, "the name of a user", 'for example "backup"'),
            },
        ),
    ),
    (),
    "none",
    "The host: `host` (`HOST` or `USER@HOST`), `options` (arguments of ssh(1)), `manager` (`system`, or `user` for the "
    "systemd of the user who logs in), `user` (who the job runs as there). Joined with those of `[defaults]`.",
)
COMMANDS: Final = Setting[Pairs](
    "commands",
    ValueType("table", _keys("commands", dict.fromkeys(("submit", "status", "cancel"), _argv))),
    (),
    "none",
    "Three commands, each as a list that begins with an absolute path: `submit`, `status` and `cancel`. Joined with "
    "those of `[defaults]`.",
)
REACHED_BY: Final[Mapping[EngineKind, Setting[Pairs]]] = {
    EngineKind.SLURM: SLURM,
    EngineKind.KUBERNETES: KUBERNETES,
    EngineKind.SSH: SSH,
    EngineKind.COMMANDS: COMMANDS,
}
ENGINE_SETTINGS: Final = table(ENGINE, ENGINE_INTERVAL, SLURM, KUBERNETES, SSH, COMMANDS)


def joined(below: Pairs, above: Pairs) -> Pairs:
    """Put a task's own keys over the defaults of its file."""
    return tuple((dict(below) | dict(above)).items())
