"""What many tasks cost: to load them, to hold them, to idle with them, to list them, to judge among them.

Limits: `tomli` alone, the imports alone, Python's own start. Peer: APScheduler 3, which is given objects, not files.
"""

import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

import tomli
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.cron import CronTrigger
from figures import Curve, Figure, Points
from under_test import Usage, daemon, write_tasks

from rocketd.core.instant import MINUTE, SECOND
from rocketd.core.language.parser import parse
from rocketd.core.model.events import Finished, Start
from rocketd.core.model.run import Action, Cause, End
from rocketd.core.model.task import Command, Task
from rocketd.core.scheduler.scheduler import Scheduler
from rocketd.store.run_id import new_run_id

LOADS: Final = {1_000: "≤ 0.15", 10_000: "≤ 0.8", 100_000: "≤ 8"}
MEMORIES: Final = {0: "limit + 8", 10_000: "limit + 30", 100_000: "limit + 130"}
IDLE: Final = (0, 1_000, 10_000, 100_000)
_IMPORTS: Final = "import sys, rocketd.bootstrap.service; sys.stdin.read()"


class Held(NamedTuple):
    """A daemon with so many tasks."""

    tasks: int
    cpu: float
    """Seconds of CPU to READY."""
    ready: float
    """Seconds to READY."""
    judged: float
    """Seconds of CPU until all had been judged."""
    memory: float
    """Megabytes at rest."""
    idle: tuple[float, int]
    """Milliseconds of CPU and wake-ups while nothing was due."""
    tomli: float
    """Seconds of CPU for `tomli` alone on the same files."""


def load(directory: Path, *, quick: bool) -> list[Figure | Curve]:
    """From no task to 100,000 in files of 1,000, every condition checked and judged; and then at rest."""
    bare = _imports_alone()
    counts = (0, 1, 100, 1_000, 10_000) if quick else (0, 1, 10, 100, 1_000, 10_000, 100_000)
    _held(directory / "first", 0, 0)  # it may have had to compile modules
    held = [_held(directory / str(count), count, 0 if count not in IDLE else 5 if quick else 15) for count in counts]
    none = held[0]
    figures = [Figure("start without tasks, to READY", "s CPU", none.cpu, bare.cpu, "imports alone")]
    for one in held:
        if one.tasks in LOADS:
            figures += _loads(one, none)
    figures += [
        Figure(f"memory, {one.tasks:,} tasks", "MB", one.memory, bare.memory, "imports alone", goal=MEMORIES[one.tasks])
        for one in held
        if one.tasks in MEMORIES
    ]
    for one in held:
        if one.tasks in IDLE:
            figures.append(Figure(f"idle, {one.tasks:,} tasks", "ms CPU", one.idle[0], goal="0"))
            figures.append(Figure(f"idle, {one.tasks:,} tasks", "wake-ups", one.idle[1], goal="heartbeat"))
    return [*figures, *_curves(held[1:], bare)]


def _imports_alone() -> Usage:
    with subprocess.Popen([sys.executable, "-c", _IMPORTS], stdin=subprocess.PIPE) as imports:
        time.sleep(2)
        return Usage.of(imports.pid)


def _held(where: Path, count: int, idle: int) -> Held:
    where.mkdir()
    write_tasks(where, map(task, range(count)))
    with daemon(where) as one:
        time.sleep(2 + count / 5_000)  # what follows a start is not idling
        before = one.usage
        time.sleep(idle)
        after = one.usage
    alone = cpu_of(lambda: [tomli.loads(file.read_text()) for file in sorted((where / "etc").iterdir())])
    idled = ((after.cpu - before.cpu) * 1000, after.wakeups - before.wakeups)
    return Held(count, one.cpu, one.ready, before.cpu, after.memory, idled, alone)


def _loads(one: Held, none: Held) -> list[Figure]:
    tasks = f"{one.tasks:,} tasks"
    peer = _apscheduler(one.tasks) if one.tasks <= 10_000 else None
    is_peer = "APScheduler 3, objects without files" if peer else ""
    loaded = one.cpu - none.cpu
    return [
        Figure(f"load, {tasks}", "s CPU", loaded, one.tomli, "tomli alone", peer, is_peer, LOADS[one.tasks]),
        Figure(f"load and first judgement, {tasks}", "s CPU", one.judged - none.judged),
    ]


def _curves(held: list[Held], bare: Usage) -> list[Curve]:
    loads: dict[str, Points] = {
        "rocketd, start to READY": [(one.tasks, one.cpu) for one in held],
        "tomli alone": [(one.tasks, one.tomli) for one in held],
    }
    memories: dict[str, Points] = {
        "rocketd": [(one.tasks, one.memory) for one in held],
        "imports alone": [(one.tasks, bare.memory) for one in held],
    }
    return [
        Curve("growth-tasks", "start, s CPU", "tasks", loads),
        Curve("growth-tasks", "memory, MB", "tasks", memories),
    ]


def _apscheduler(count: int) -> float:
    scheduler = BackgroundScheduler()
    scheduler.start(paused=True)

    def add() -> None:
        for number in range(count):
            scheduler.add_job(time.sleep, CronTrigger(minute=number % 60, hour=number // 60 % 24), args=[0])

    cpu = cpu_of(add)
    scheduler.shutdown()
    return cpu


def task(number: int) -> str:
    """A task that is due some hours from now: windows, retries and cron lines, some of them the same."""
    hour = (time.localtime().tm_hour + 6 + number % 4) % 24
    window = f"time_of_day.between('{hour:02}:{number % 60:02}', '{(hour + 4) % 24:02}:00')"
    when = (f"(daily | retry(3)) & {window}", f"cron('{number % 60} {hour} * * *')")[number % 2]
    return f'command = ["/bin/true", "{number}"]\nwhen = "{when}"'


def listing(directory: Path, *, quick: bool) -> list[Figure]:
    """`rocketctl list` of a thousand tasks."""
    write_tasks(directory, map(task, range(1_000)))
    where = f"--runtime-dir={directory / 'run'}"
    client = [sys.executable, "-m", "rocketd.cli.rocketctl", where, "list"]
    times = 3 if quick else 10
    with daemon(directory):
        took = min(_timed(client) for _ in range(times))
    bare = min(_timed([sys.executable, "-c", "pass"]) for _ in range(times))
    return [Figure("rocketctl list, 1,000 tasks", "s", took, bare, "Python's own start", goal="≤ 0.15")]


def judgement(directory: Path, *, quick: bool) -> list[Figure | Curve]:  # noqa: ARG001 - needs no files
    """What a start and its end cost the scheduler, whatever else is loaded."""
    counts = (100, 1_000, 10_000) if quick else (100, 1_000, 10_000, 100_000)
    costs: Points = [(count, _judged(count)) for count in counts]
    few = costs[0][1]
    figures = [
        Figure(f"decided, learned, judged anew; {count:,} tasks", "µs", cost, few, "with 100 tasks", goal="ratio 1")
        for count, cost in costs[1:]
    ]
    return [*figures, Curve("growth-tasks", "a run's judgements, µs", "tasks", {"100 of them due": costs})]


def _judged(count: int) -> float:
    """Microseconds of CPU for one run, where a hundred of so many tasks are due at once."""
    often, never = parse('cron("* * * * *")'), parse('cron("0 0 29 2 *")')
    scheduler = Scheduler(host="bench", new_run_id=new_run_id, max_running=1_000)
    now = 1_790_000_040 * SECOND // MINUTE * MINUTE
    conditions = [often] * 100 + [never] * (count - 100)
    random.Random(1).shuffle(conditions)  # noqa: S311 - an order, not a secret
    work = Command(("/bin/true",))
    tasks = [Task(f"t{number:06}", work, when, restart_delay=0) for number, when in enumerate(conditions)]
    scheduler.load(tasks, now, {})
    scheduler.decide(now)
    return min(cpu_of(_minute(scheduler, now + turn * MINUTE)) for turn in range(1, 20)) / 100 * 1e6


def _minute(scheduler: Scheduler, at: int) -> Callable[[], None]:
    """All that are due at a minute, and their ends a second later."""

    def pass_by() -> None:
        end = End(Action.SUCCESS, Cause.EXIT, at + SECOND, 0)
        for decision in scheduler.decide(at):
            if isinstance(decision, Start):
                scheduler.learn(Finished(decision.run, end))
        scheduler.decide(at + SECOND)

    return pass_by


def cpu_of(act: Callable[[], object]) -> float:
    """Seconds of this process's CPU."""
    began = time.process_time()
    act()
    return time.process_time() - began


def _timed(command: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began
