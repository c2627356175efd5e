"""Chooses what carries out the runs of a task: an engine, systemd, each as a unit, or the daemon, each as a process."""

from typing import NamedTuple

from rocketd.core.model.task import ExecutorKind, Task


class ExecutorChoice(NamedTuple):
    """What carries out the runs of a task."""

    kind: ExecutorKind
    """`UNIT`, `PROCESS` or `ENGINE`."""
    reason: str = ""
    """Why they are not units, although units were asked for or are the default; empty: they are what was asked for.

    Of `ENGINE`, which one.
    """


def choose_executor(task: Task, default: ExecutorKind, missing: str) -> ExecutorChoice:
    """Choose for a task.

    `default` is what `[rocketd]` says; `missing` is what this daemon lacks to use units where nobody asks for them, as
    a noun (empty: nothing).
    """
    if task.engine is not None:
        return ExecutorChoice(ExecutorKind.ENGINE, str(task.engine.kind))
    kind = task.executor or default
    if kind is ExecutorKind.PROCESS:
        return ExecutorChoice(ExecutorKind.PROCESS)
    if setting := task.needs_process:
        return ExecutorChoice(ExecutorKind.PROCESS, no_unit_because_of(setting))
    if kind is ExecutorKind.AUTO and missing:
        return ExecutorChoice(ExecutorKind.PROCESS, f"units need {missing}")
    return ExecutorChoice(ExecutorKind.UNIT)


def no_unit_because_of(setting: str) -> str:
    """Return why a task with that setting cannot be carried out by systemd."""
    return f"a unit of systemd cannot carry out a task with '{setting}'"
