"""Makes the engine of a task of what was written, and says what a task that is handed off cannot have."""

from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from rocketd.config.engine_settings import ENGINE, ENGINE_INTERVAL, KUBERNETES, REACHED_BY
from rocketd.config.problems import Mistake
from rocketd.config.task_settings import ON
from rocketd.config.task_spec import TaskSpec
from rocketd.core.model.engine import Engine, EngineCommands, EngineKind, Kubernetes, Slurm, Ssh
from rocketd.core.model.task import On

_NEEDED: Final[Mapping[EngineKind, tuple[str, ...]]] = {
    EngineKind.SLURM: (),
    EngineKind.KUBERNETES: ("server", "image"),
    EngineKind.SSH: ("host",),
    EngineKind.COMMANDS: ("submit", "status", "cancel"),
}
_NEVER: Final = ("function", "executor", "unit", "fails_on", "output_file", "output_limit", "separate_stderr")
"""What only counts for runs that this host carries out."""
_ELSEWHERE: Final = ("environment_files", "limits", "nice", "umask")
"""What only counts where Slurm, or a command, takes it along from this host."""
_THIS_HOST: Final = ("127.0.0.1", "::1", "localhost")
_NOT_WITH: Final = {
    EngineKind.SLURM: _NEVER,
    EngineKind.COMMANDS: _NEVER,
    EngineKind.SSH: tuple(key for key in (*_NEVER, *_ELSEWHERE) if key != "unit"),
    EngineKind.KUBERNETES: (*_NEVER, *_ELSEWHERE, "parameters", "user", "group"),
}


def engine_of(spec: TaskSpec, mistakes: list[Mistake]) -> Engine | None:
    """Return the engine of a task; None: it has none, or what is written about it is a mistake."""
    kind = spec.values[ENGINE]
    found = [*_without_effect(spec, kind), *(() if kind is None else _impossible(spec, kind))]
    mistakes += found
    given: dict[str, Any] = {} if kind is None else dict(spec.values[REACHED_BY[kind]])
    if kind is None or found or not all(key in given for key in _NEEDED[kind]):
        return None
    reached_by: Slurm | Kubernetes | Ssh | EngineCommands
    match kind:
        case EngineKind.SLURM:
            reached_by = Slurm(tuple(given.items()))
        case EngineKind.KUBERNETES:
            reached_by = Kubernetes(**given)
        case EngineKind.SSH:
            reached_by = Ssh(**given)
        case EngineKind.COMMANDS:
            reached_by = EngineCommands(**given)
    return Engine(kind, reached_by, spec.values[ENGINE_INTERVAL])


def _without_effect(spec: TaskSpec, kind: EngineKind | None) -> Iterator[Mistake]:
    others = [setting.key for one, setting in REACHED_BY.items() if one is not kind]
    for key in (*others, *((ENGINE_INTERVAL.key,) if kind is None else ())):
        if key in spec.own:
            wanted = f'engine = "{key}"' if key in others else "engine"
            yield Mistake(("task", spec.name, key), f"'{key}' has no effect without {wanted}", at_key=True)


def _impossible(spec: TaskSpec, kind: EngineKind) -> Iterator[Mistake]:
    setting = REACHED_BY[kind]
    missing = [key for key in _NEEDED[kind] if key not in dict(spec.values[setting])]
    # A key whose value is a mistake is missing as well: that has been said.
    if missing and (setting in spec.values or setting.key not in spec.own):
        path = spec.path(setting) if setting in spec.values else spec.path(ENGINE)
        hint = f"write [task.{spec.name}.{setting.key}]" if setting not in spec.values else ""
        yield Mistake(path, f'engine = "{kind}" needs {" and ".join(missing)} in {setting.key}', hint, at_key=True)
    if kind is EngineKind.KUBERNETES:
        yield from _open_token(spec, dict(spec.values[setting]) if setting in spec.values else {})
    for key in _NOT_WITH[kind]:
        if key in spec.own:
            message = f"'{key}' is not possible with engine = \"{kind}\""
            yield Mistake(("task", spec.name, key), message, "leave it out", at_key=True)
    if spec.values[ON] is On.SHUTDOWN:
        yield Mistake(spec.path(ON), f'on = "shutdown" is not possible with engine = "{kind}"', "leave it out")


def _open_token(spec: TaskSpec, given: Mapping[str, Any]) -> Iterator[Mistake]:
    """A token is not sent where others can read it; a proxy on this host has one of its own."""
    server = urlsplit(str(given.get("server", "")))
    if "token" in given and server.scheme == "http" and server.hostname not in _THIS_HOST:
        yield Mistake(
            (*spec.path(KUBERNETES), "server"), "the token would be sent without encryption", "write https://"
        )
