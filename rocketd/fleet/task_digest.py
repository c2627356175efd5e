"""What a task is, in a few characters: equal on all hosts that have the same task, whatever the file looks like."""

from dataclasses import MISSING, Field, fields
from hashlib import blake2b
from typing import Final

from rocketd.core.model.task import Surroundings, Task, Work

_SIZE: Final = 8
"""Bytes: enough to tell the versions of a file apart."""
_LEFT_OUT: Final = ("work", "zone", "file", "mail", "description")


def task_digest(task: Task) -> str:
    """Return the digest of a task: its conditions in their normal form, what it runs, and how.

    Of the environment only the names count, as values may be secrets, or those of one host; of the user the name.
    Settings that have their defaults do not count, so that a host with a newer rocketd, which has more, has it, too.
    """
    told = [one for one in fields(task) if one.name not in _LEFT_OUT]
    parts = [f"{one.name}={_plain(value)}" for one in told if not _is_default(one, value := getattr(task, one.name))]
    return blake2b(
        "\0".join([*parts, *_work(task.work)]).encode(errors="backslashreplace"), digest_size=_SIZE
    ).hexdigest()


def _is_default(one: "Field[object]", value: object) -> bool:
    made = one.default_factory() if one.default_factory is not MISSING else one.default
    return made is not MISSING and made == value


def _work(work: Work) -> list[str]:
    parts = [type(work).__name__]
    for one in fields(work):
        value = getattr(work, one.name)
        if isinstance(value, Surroundings):
            parts += _surroundings(value)
        elif not _is_default(one, value):
            parts.append(f"{one.name}={_plain(value)}")
    return parts


def _surroundings(surroundings: Surroundings) -> list[str]:
    apart = ("identity", "environment")
    told = [(one, getattr(surroundings, one.name)) for one in fields(surroundings) if one.name not in apart]
    identity = surroundings.identity
    return [
        *(f"{one.name}={_plain(value)}" for one, value in told if not _is_default(one, value)),
        f"user={identity.name if identity else ''}",
        f"environment={sorted(name for name, _ in surroundings.environment)}",
    ]


def _plain(value: object) -> str:
    return str(sorted(value) if isinstance(value, frozenset) else value)
