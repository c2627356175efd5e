"""What a task with `run_on = "one"` needs, and what it cannot have: settings that only count on one host."""

from collections.abc import Collection, Iterator
from typing import Final

from rocketd.config.cross_file_checks import TaskMistake, WatchedTasks
from rocketd.config.fleet_settings import FleetSettings
from rocketd.config.problems import Mistake
from rocketd.core.duration import format_duration
from rocketd.core.history.selections import members_of
from rocketd.core.model.condition import FALSE
from rocketd.core.model.run_on import RunOn
from rocketd.core.model.task import Overlap, Task
from rocketd.core.scheduler.ownership import stop_too_long

_ONE: Final = 'run_on = "one"'


def without_impossible(tasks: dict[str, Task], fleet: FleetSettings, watched: WatchedTasks) -> list[TaskMistake]:
    """Remove the tasks that cannot be as they are written, and return why.

    Whether another host runs a task that a condition is about makes no difference to that task, so tasks that one host
    runs and tasks that each host runs cannot be about each other: what a host knows of its own is not what others know.
    """
    shared = {name for name, task in tasks.items() if task.run_on is RunOn.ONE}
    if not shared:
        return []
    found = [
        TaskMistake(task, mistake)
        for task in tasks.values()
        for mistake in (*_settings(task, fleet), *_conditions(task, shared, tasks, watched), *_mutex(task, tasks))
    ]
    for one in found:
        tasks.pop(one.task.name, None)
    return found


def _settings(task: Task, fleet: FleetSettings) -> Iterator[Mistake]:
    if task.run_on is not RunOn.ONE:
        return
    if not fleet.url:
        yield _mistake(
            task, "run_on", f"{_ONE} needs a fleet, and [fleet] has no url", "see docs/how-to/several-hosts.md"
        )
    if task.formerly:
        yield _mistake(
            task, "formerly", f"the other hosts know the task by its name: with {_ONE}, it cannot be renamed"
        )
    if task.on is not None:
        yield _mistake(task, "on", f"on is about one host, and with {_ONE} any host may run the task")
    if task.overlap is Overlap.REPLACE:
        message = f"with {_ONE}, the active run may be on another host, which this one cannot stop"
        yield _mistake(task, "overlap", message, 'write overlap = "wait", "skip" or "allow"')
    if task.stop_when is not FALSE:
        message = f"with {_ONE}, the active run may be on another host, which this one cannot stop"
        yield _mistake(task, "stop_when", message, "write a timeout")
    if task.splay:
        yield _mistake(task, "splay", f"a splay spreads starts over hosts, and with {_ONE} one host runs the task")
    if stop_too_long(task.kill_grace, fleet.lost_after):
        least = format_duration(fleet.lost_after // 5)
        message = f"with {_ONE}, this must be shorter than a fifth of lost_after in [fleet], less a second: {least}"
        yield _mistake(task, "kill_grace", message)


def _mutex(task: Task, tasks: dict[str, Task]) -> Iterator[Mistake]:
    """One host has all tasks with a mutex: none of them may be a task that others run as well."""
    if not task.mutex or task.run_on is RunOn.ONE:
        return
    others = (name for name, one in sorted(tasks.items()) if one.mutex == task.mutex and one.run_on is RunOn.ONE)
    if other := next(others, ""):
        message = f"task '{other}' has this mutex and {_ONE}, and this one has not: it runs on hosts that do not own it"
        yield _mistake(task, "mutex", message, f"add {_ONE} to both, or give them different mutexes")


def _conditions(
    task: Task, shared: Collection[str], tasks: dict[str, Task], watched: WatchedTasks
) -> Iterator[Mistake]:
    tags = {name: one.tags for name, one in tasks.items()}
    for key, condition in (("when", task.when), ("stop_when", task.stop_when)):
        for name in sorted(watched.others(condition)):
            if name in tasks and (name in shared) is not (task.run_on is RunOn.ONE):
                yield _about_others(task, key, name, name in shared)
        for names in condition.selections():
            if task.run_on is RunOn.ONE:
                message = f"with {_ONE}, conditions can be about tasks by their names, and not by patterns"
                yield _mistake(task, key, message)
            elif other := next((one for one, _ in members_of(names, tags) if one in shared), ""):
                message = f"'{other}' has {_ONE}, and this task has not"
                yield _mistake(task, key, message, f"leave it out of the pattern: add '!{other}'")


def _about_others(task: Task, key: str, name: str, shared: bool) -> Mistake:  # noqa: FBT001 - says what it is
    if shared:
        return _mistake(task, key, f"task '{name}' has {_ONE}, and this one has not", f"add {_ONE} to both, or to none")
    return _mistake(task, key, f"each host runs a '{name}' of its own: which one is meant?", f"add {_ONE} to '{name}'")


def _mistake(task: Task, key: str, message: str, hint: str = "leave it out") -> Mistake:
    return Mistake(("task", task.name, key), message, hint)
