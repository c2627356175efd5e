"""What many tasks and many records cost: load, memory, idling, a restart, a list, a judgement."""

import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import resume
import tomli
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.cron import CronTrigger
from figures import Figure
from under_test import Usage, daemon, write_tasks

from rocketd.core.events import Finished, Start
from rocketd.core.grammar import parse
from rocketd.core.instant import MINUTE, SECOND
from rocketd.core.run import Action, Cause, End
from rocketd.core.scheduler import Scheduler
from rocketd.core.task import Command, Task
from rocketd.store.run_id import new_run_id
from rocketd.store.store import SqliteStore

LOADS: Final = {1_000: "0.15", 10_000: "0.8", 100_000: "8"}
MEMORIES: Final = {0: "imports + 8", 10_000: "+ 30", 100_000: "+ 130"}
_IMPORTS: Final = "import sys, rocketd.service; sys.stdin.read()"


def load(directory: Path, *, quick: bool) -> list[Figure]:
    """What task files add to a start, every condition checked and judged; and then at rest."""
    with subprocess.Popen([sys.executable, "-c", _IMPORTS], stdin=subprocess.PIPE) as imports:
        time.sleep(2)
        bare = Usage.of(imports.pid)
    figures: list[Figure] = []
    at_rest: list[Figure] = []
    start = judged = 0.0
    for count in (0, 1_000, 10_000) if quick else (0, 1_000, 10_000, 100_000):
        where = directory / str(count)
        where.mkdir()
        write_tasks(where, map(_task, range(count)))
        with daemon(where) as one:
            time.sleep(3 + count / 5_000)  # what follows a start is not idling
            before = one.usage
            time.sleep(5 if quick else 60)
            after = one.usage
        if count in LOADS:
            figures.append(_load(where, count, one.cpu - start))
            figures.append(Figure(f"load and first judgement, {count:,} tasks", "s CPU", before.cpu - judged))
        else:
            with daemon(where) as again:  # the first one may have compiled modules
                start = min(one.cpu, again.cpu)
            judged = start + before.cpu - one.cpu
            figures.append(Figure("start without tasks, to READY", "s CPU", start, bare.cpu, "imports alone"))
        at_rest += _at_rest(count, before, after, bare)
    return figures + at_rest


def _at_rest(count: int, before: Usage, after: Usage, bare: Usage) -> Iterator[Figure]:
    tasks = f"{count:,} tasks"
    if count in MEMORIES:
        yield Figure(f"memory, {tasks}", "MB", after.memory, bare.memory, "imports alone", goal=MEMORIES[count])
    yield Figure(f"idle, {tasks}", "ms CPU", (after.cpu - before.cpu) * 1000, goal="0")
    yield Figure(f"idle, {tasks}", "wake-ups", after.wakeups - before.wakeups, goal="heartbeat")


def _load(where: Path, count: int, cpu: float) -> Figure:
    alone = _cpu(lambda: [tomli.loads(file.read_text()) for file in sorted((where / "etc").iterdir())])
    scheduler = BackgroundScheduler()
    scheduler.start(paused=True)

    def add() -> None:
        for number in range(count):
            scheduler.add_job(time.sleep, CronTrigger(minute=number % 60, hour=number // 60 % 24), args=[0])

    peer = _cpu(add) if count <= 10_000 else None
    scheduler.shutdown()
    is_peer = "APScheduler 3, objects without files" if peer else ""
    return Figure(f"load, {count:,} tasks", "s CPU", cpu, alone, "tomli alone", peer, is_peer, LOADS[count])


def _task(number: int) -> str:
    """A task that is due some hours from now: windows, retries and cron lines, some of them the same."""
    hour = (time.localtime().tm_hour + 6 + number % 4) % 24
    window = f"time_of_day.between('{hour:02}:{number % 60:02}', '{(hour + 4) % 24:02}:00')"
    when = (f"(daily | retry(3)) & {window}", f"cron('{number % 60} {hour} * * *')")[number % 2]
    return f'command = ["/bin/true", "{number}"]\nwhen = "{when}"'


def restart(directory: Path, *, quick: bool) -> list[Figure]:
    """A thousand tasks, a million records: to READY again."""
    count = 100_000 if quick else 1_000_000
    (directory / "lib").mkdir()
    SqliteStore(directory / "lib").close()
    resume.fill(directory / "lib" / "rocketd.db", 1_000, count)
    write_tasks(directory, [_task(number) for number in range(1_000)])
    with daemon(directory) as one:
        took = one.cpu
    empty = directory / "empty"
    empty.mkdir()
    write_tasks(empty, [_task(number) for number in range(1_000)])
    with daemon(empty) as other:
        limit = other.cpu
    what = f"restart, 1,000 tasks, {count:,} records"
    return [Figure(what, "s CPU", took, limit, "the same without a record", goal="1")]


def listing(directory: Path, *, quick: bool) -> list[Figure]:
    """`rocketctl list` of a thousand tasks."""
    write_tasks(directory, [_task(number) for number in range(1_000)])
    where = f"--runtime-dir={directory / 'run'}"
    client = [sys.executable, "-m", "rocketd.cli.rocketctl", where, "list"]
    times = 3 if quick else 10
    with daemon(directory):
        took = min(_timed(lambda: _quiet(client)) for _ in range(times))
    bare = min(_timed(lambda: _quiet([sys.executable, "-c", "pass"])) for _ in range(times))
    return [Figure("rocketctl list, 1,000 tasks", "s", took, bare, "Python's own start", goal="0.15")]


def judgement(directory: Path, *, quick: bool) -> list[Figure]:  # noqa: ARG001 - needs no files
    """What a start and its end cost the scheduler, whatever else is loaded."""
    costs = {count: _judged(count) for count in (100, 1_000, 10_000)}
    few = costs.pop(100)
    return [
        Figure(f"decided, learned, judged anew; {count:,} tasks", "us", cost, few, "with 100 tasks", goal="ratio 1")
        for count, cost in costs.items()
    ]


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
    took = []
    for turn in range(1, 20):
        began = time.process_time()
        decisions = scheduler.decide(at := now + turn * MINUTE)
        end = End(Action.SUCCESS, Cause.EXIT, at + SECOND, 0)
        for decision in decisions:
            if isinstance(decision, Start):
                scheduler.learn(Finished(decision.run, end))
        scheduler.decide(at + SECOND)
        took.append(time.process_time() - began)
    return min(took) / 100 * 1e6


def _cpu(act: Callable[[], object]) -> float:
    began = time.process_time()
    act()
    return time.process_time() - began


def _timed(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def _quiet(command: list[str]) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
