"""What a task is, in a few characters: equal on all hosts that have the same task, whatever the file looks like."""

from dataclasses import fields
from hashlib import blake2b
from typing import Final

from rocketd.core.model.run_on import RunOn
from rocketd.core.model.task import Surroundings, Task, Work

_SIZE: Final = 8
"""Bytes: enough to tell the versions of a file apart."""
_LEFT_OUT: Final = ("work", "zone", "file", "mail", "description")


def task_digest(task: Task) -> str:
    """Return the digest of a task: its conditions in their normal form, what it runs, and how.

    Of the environment only the names count, as values may be secrets, or those of one host; of the user the name.
    """
    left_out = {*_LEFT_OUT, "run_on"} if task.run_on is RunOn.EACH else _LEFT_OUT  # as hosts without it have it
    parts = [f"{one.name}={_plain(getattr(task, one.name))}" for one in fields(task) if one.name not in left_out]
    return blake2b(
        "\0".join([*parts, *_work(task.work)]).encode(errors="backslashreplace"), digest_size=_SIZE
    ).hexdigest()


def _work(work: Work) -> list[str]:
    parts = [type(work).__name__]
    for one in fields(work):
        value = getattr(work, one.name)
        parts += _surroundings(value) if isinstance(value, Surroundings) else [f"{one.name}={_plain(value)}"]
    return parts


def _surroundings(surroundings: Surroundings) -> list[str]:
    plain = [one.name for one in fields(surroundings) if one.name not in ("identity", "environment")]
    identity = surroundings.identity
    return [
        *(f"{name}={_plain(getattr(surroundings, name))}" for name in plain),
        f"user={identity.name if identity else ''}",
        f"environment={sorted(name for name, _ in surroundings.environment)}",
    ]


def _plain(value: object) -> str:
    return str(sorted(value) if isinstance(value, frozenset) else value)
