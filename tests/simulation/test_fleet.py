"""What must hold for tasks that one host of a fleet runs, whatever happens to hosts, network, clocks and database.

A failing seed is in the test's name, and replays: pytest -k 'seed and 17'. Many seeds: make fleet SEEDS=1000.
"""

import os
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC
from random import Random

import pytest

from rocketd.core.instant import HOUR, MILLISECOND, MINUTE, SECOND, Duration, Instant
from rocketd.core.language.parser import parse
from rocketd.core.model.events import Event, Finished, Missed, Started, Withdrawn, task_of
from rocketd.core.model.run import Action, Run, Trigger
from rocketd.core.model.run_on import RunOn
from rocketd.core.model.task import Command, Overlap, Task
from support.simulated_fleet_hosts import Conditions, SimulatedFleet, SimulatedHost
from support.simulated_world import World

SEEDS = int(os.environ.get("ROCKETD_FLEET_SEEDS", "6"))
FIRST = int(os.environ.get("ROCKETD_FLEET_FIRST", "0"))
START: Instant = 1_760_000_000 * SECOND
TICKS = {"cron('*/5 * * * *')": 5, "cron('* * * * *')": 1, "cron('*/20 * * * *') | retry(2)": 20}
"""Conditions of ticks, and how many minutes there are between them."""
CHAIN = "after_success('t0')"
OTHERS = ("hourly", "every('17 min')", "hourly & ~running('t0')", "after_fail('t0') | after_finish('t1')", CHAIN)


def shared_task(name: str, when: str, overlap: Overlap = Overlap.WAIT, mutex: str = "") -> Task:
    command = Command(("/bin/true",))
    return Task(name, command, parse(when), zone=UTC, overlap=overlap, mutex=mutex, run_on=RunOn.ONE)


def random_tasks(chance: Random) -> list[Task]:
    overlaps = (Overlap.WAIT, Overlap.WAIT, Overlap.SKIP, Overlap.ALLOW)
    ticking = [shared_task(f"t{n}", when, chance.choice(overlaps)) for n, when in enumerate(chance.sample([*TICKS], 3))]
    tasks = [*ticking, shared_task("t3", chance.choice(OTHERS)), shared_task("t4", CHAIN)]
    mutexes = chance.choice((("",) * 5, ("m", "m", "", "m", ""), ("m", "n", "m", "n", ""), ("", "m", "", "", "m")))
    return [replace(task, mutex=mutex) for task, mutex in zip(tasks, mutexes, strict=True)]


class Checked:
    """A fleet in which everything may go wrong."""

    def __init__(self, seed: int) -> None:
        chance = self.chance = Random(seed)  # noqa: S311 - a simulation must replay
        lost_answers = chance.choice((0.0, 0.01, 0.1))
        lost_news = lost_answers or chance.choice((0.0, 0.3))
        latency = chance.choice((MILLISECOND, 50 * MILLISECOND, SECOND))
        conditions = Conditions(lost_answers, lost_news, lost_answers, latency)
        self.fleet = SimulatedFleet(seed, START, conditions=conditions)
        self.tasks = random_tasks(chance)
        self.takes = chance.choice((SECOND, 20 * SECOND, 3 * MINUTE))
        self.fails = chance.choice((0.0, 0.2))
        for number in range(chance.randint(2, 5)):
            offset = chance.choice((0, 0, chance.randint(-1900, 1900) * MILLISECOND))
            host = SimulatedHost(self.fleet, f"web{number}", self.own_tasks() if number else self.tasks, offset)
            host.takes = self.fate
            host.boot()

    def own_tasks(self) -> list[Task]:
        """Return the tasks as a host has them: some files differ."""
        if self.chance.random() < 0.2:
            return [replace(task, timeout=HOUR) for task in self.tasks[: self.chance.randint(1, 5)]]
        return self.tasks

    def fate(self, run: Run) -> tuple[Duration, Action]:  # noqa: ARG002 - the same for all
        takes = self.takes * self.chance.randint(1, 10) // 5
        return takes, Action.FAIL if self.chance.random() < self.fails else Action.SUCCESS

    def live(self, length: Duration) -> None:
        until = self.fleet.now + length
        while self.fleet.now < until:
            self.fleet.run_until(self.fleet.now + self.chance.randint(1, 150) * SECOND)
            self.misfortune()
        self.heal()
        self.fleet.run_until(self.fleet.now + 30 * MINUTE)

    def misfortune(self) -> None:
        hosts = [*self.fleet.hosts.values()]
        host = self.chance.choice(hosts)
        wrong = (
            self.kill,
            self.kill,
            self.freeze,
            self.freeze,
            self.cut,
            self.cut,
            self.drain,
            self.fuse,
            self.base,
            self.step,
        )
        self.chance.choice(wrong)(host)

    def later(self, most: Duration) -> Instant:
        return self.fleet.now + self.chance.choice((self.chance.randint(0, 20 * SECOND), self.chance.randint(0, most)))

    def revive(self, host: SimulatedHost) -> None:
        if not host.up:
            host.boot()

    def kill(self, host: SimulatedHost) -> None:
        if host.up:
            host.kill()
        self.fleet.at(self.later(12 * MINUTE), "", lambda: self.revive(host))

    def freeze(self, host: SimulatedHost) -> None:
        if host.up:
            host.freeze(self.later(12 * MINUTE) - self.fleet.now, children=self.chance.random() < 0.5)

    def cut(self, host: SimulatedHost) -> None:
        host.cut_off = True
        self.fleet.at(self.later(12 * MINUTE), "", lambda: setattr(host, "cut_off", False))

    def base(self, host: SimulatedHost) -> None:  # noqa: ARG002 - it is all hosts'
        self.fleet.database_down = True
        self.fleet.at(self.later(8 * MINUTE), "", lambda: setattr(self.fleet, "database_down", False))

    def step(self, host: SimulatedHost) -> None:  # noqa: ARG002 - as above
        """The clock of the database's server is set, and later set right."""
        seconds = self.chance.choice((1, 5, 60, 600, 7200)) * self.chance.choice((-1, 1))
        self.fleet.server_offset = seconds * SECOND
        self.fleet.at(self.later(8 * MINUTE), "", lambda: setattr(self.fleet, "server_offset", 0))

    def drain(self, host: SimulatedHost) -> None:
        if host.up:
            host.drain()
        self.fleet.at(self.later(2 * MINUTE) + 10 * MINUTE, "", lambda: self.revive(host))

    def fuse(self, host: SimulatedHost) -> None:
        if host.up:
            host.fuse = self.chance.randint(0, 40)
            self.fleet.at(self.fleet.now + 10 * MINUTE, "", lambda: self.revive(host))

    def heal(self) -> None:
        self.fleet.database_down, self.fleet.server_offset = False, 0
        self.fleet.conditions = Conditions()
        for host in self.fleet.hosts.values():
            host.cut_off, host.frozen_until, host.fuse = False, 0, None
            if not host.up:
                host.boot()

    def check(self) -> None:
        self.check_runs()
        self.check_knowledge()
        for task in self.tasks[:3]:
            if self.is_ownable(task):
                self.check_ticks(task)
        if self.is_ownable(self.tasks[0]) and self.is_ownable(self.tasks[4]):
            self.check_chain()

    def is_ownable(self, task: Task) -> bool:
        """Whether any host may own it: none that lacks it keeps its mutex."""
        return not task.mutex or all(len(host.tasks) == len(self.tasks) for host in self.fleet.hosts.values())

    def check_runs(self) -> None:
        """Every run that has begun is recorded once, and ends once; at most one chance each."""
        events = [row.event for row in self.fleet.database.records]
        claimed = [event.run.key for event in events if isinstance(event, Started)]
        assert len(set(claimed)) == len(claimed)
        ends = [event.run.key for event in events if isinstance(event, Finished | Withdrawn)]
        assert len(set(ends)) == len(ends)
        assert {run.key for run, _, _ in self.fleet.begun} <= set(claimed)
        withdrawn = {event.run.key for event in events if isinstance(event, Withdrawn)}
        assert not withdrawn & {run.key for run, _, _ in self.fleet.begun}, "what was withdrawn has begun"
        now = self.fleet.now
        open_runs = {event.run.key: event.run for event in events if isinstance(event, Started)}
        left = [key for key, run in open_runs.items() if key not in ends and now - run.start > 25 * MINUTE]
        assert not left, "runs without an end"

    def check_knowledge(self) -> None:
        """Each host knows of every run whether it is active, wherever it is; but for the last minute."""
        database, recent = self.fleet.database, self.fleet.now - MINUTE
        active = {run.key for _, run in database.open_runs.values()}
        events = [row.event for row in database.records]
        ended = {e.run.key for e in events if isinstance(e, Finished) and e.end.at > recent}
        ended |= {e.run.key for e in events if isinstance(e, Withdrawn) and e.at > recent}
        for host in [one for one in self.fleet.hosts.values() if one.up]:
            for task in host.tasks:
                known = {run.key: run.start for run in host.scheduler.history.of(task.name).running.values()}
                assert {key for key, start in known.items() if start < recent} <= active | ended, host.name
                of_task = (run for _, run in database.open_runs.values() if run.task == task.name)
                assert {run.key for run in of_task if run.start < recent} <= known.keys(), host.name

    def check_ticks(self, task: Task) -> None:
        """Every tick has ended in one run, or in a Missed."""
        rows = [row.event for row in self.fleet.database.records if task_of(row.event) == task.name]
        withdrawn = {event.run.key for event in rows if isinstance(event, Withdrawn)}
        runs = [event.run for event in rows if isinstance(event, Started) and event.run.key not in withdrawn]
        missed = [event for event in rows if isinstance(event, Missed)]
        step = (
            TICKS[str(task.when)]
            if str(task.when) in TICKS
            else next(minutes for text, minutes in TICKS.items() if str(parse(text)) == str(task.when))
        )
        begun = [run for run, _, _ in self.fleet.begun if run.task == task.name]
        first = [run.due for run in begun if run.trigger is Trigger.SCHEDULE]
        assert len(set(first)) == len(first), f"{task.name}: a tick is run twice"
        tick = (self.fleet.database.owners[task.name].armed_at // (step * MINUTE) + 1) * step * MINUTE
        dues = {run.due for run in runs}
        while tick < self.fleet.now - 21 * MINUTE:
            reported = any(one.first <= tick <= one.last for one in missed)
            assert tick in dues or reported, f"{task.name}: the tick at {tick} is lost"
            tick += step * MINUTE

    def check_chain(self) -> None:
        """The newest success of `t0` was followed by a run of `t4`."""
        events = [row.event for row in self.fleet.database.records]
        ends = [
            n
            for n, e in enumerate(events)
            if isinstance(e, Finished)
            and e.run.task == "t0"
            and e.end.action is Action.SUCCESS
            and e.end.at < self.fleet.now - 10 * MINUTE
        ]
        starts = [n for n, event in enumerate(events) if isinstance(event, Started) and event.run.task == "t4"]
        assert not ends or (starts and starts[-1] > ends[-1]), "the chain has broken"


@pytest.mark.parametrize("seed", range(FIRST, FIRST + SEEDS), ids=lambda seed: f"seed {seed}")
def test_nothing_is_lost_and_nothing_runs_twice(seed: int) -> None:
    checked = Checked(seed)
    checked.live(HOUR)
    checked.check()


def drain(host: SimulatedHost) -> None:
    host.drain()


def kill(host: SimulatedHost) -> None:
    host.kill()


def freeze(host: SimulatedHost) -> None:
    host.freeze(HOUR, children=True)


def cut(host: SimulatedHost) -> None:
    host.cut_off = True


@pytest.mark.parametrize(("fault", "leases"), [(kill, 1), (freeze, 1), (cut, 1), (drain, 0)])
@pytest.mark.parametrize("seed", range(4))
def test_after_a_single_fault_nothing_is_later_than_a_lease_and_a_look(
    fault: Callable[[SimulatedHost], None], leases: int, seed: int
) -> None:
    chance = Random(seed)  # noqa: S311 - a simulation must replay
    fleet = SimulatedFleet(seed, START)
    for number in range(3):
        host = SimulatedHost(fleet, f"web{number}", [shared_task("t0", "cron('* * * * * *')")])
        host.takes = lambda _: (10 * MILLISECOND, Action.SUCCESS)  # what runs on a lost host goes on until lost_after
        host.boot()
    fleet.run_until(START + chance.randint(60, 90) * SECOND + SECOND // 2)
    owner = fleet.hosts[fleet.database.owners["t0"].host]
    begun, faulty = len(fleet.begun), fleet.now
    fault(owner)
    fleet.run_until(faulty + MINUTE)
    after = [at for run, host, at in fleet.begun[begun:] if host != owner.name]
    look = fleet.lease // 3
    assert after[0] - faulty <= leases * fleet.lease + look + 2 * SECOND
    assert len(after) > 30
    assert len(fleet.database.terms) == 2


def fate(run: Run) -> tuple[Duration, Action]:
    chance = Random(f"{run.task}/{run.number}")  # noqa: S311 - as above
    takes = chance.randint(0, 200) * SECOND + 333 * MILLISECOND  # never ends as another begins: which is first?
    return takes, chance.choice((Action.SUCCESS, Action.SUCCESS, Action.FAIL))


def told(event: Event) -> tuple[object, ...]:
    """Return what a record tells, without ids."""
    if isinstance(event, Missed):
        return event.task, "missed", event.at, event.first, event.last, event.count, event.reason
    run = event.run
    ended = (event.end.action, event.end.cause, event.end.at) if isinstance(event, Finished) else ()
    return run.task, run.number, run.attempt, run.due, run.start, run.trigger, run.reason, run.cause_task, *ended


@pytest.mark.parametrize("seed", range(3))
def test_a_fleet_of_one_host_is_a_host_alone_record_for_record(seed: int) -> None:
    tasks = random_tasks(Random(seed))  # noqa: S311 - as above
    fleet = SimulatedFleet(seed, START, conditions=Conditions(latency=0))
    host = SimulatedHost(fleet, "web1", tasks)
    host.takes = fate
    host.boot()
    fleet.run_until(START + 6 * HOUR)
    alone = World(seed, START, fate=fate)
    for task in tasks:
        alone.add(replace(task, run_on=RunOn.EACH))
    alone.boot()
    alone.run_until(START + 6 * HOUR)
    assert Counter(told(row.event) for row in fleet.database.records) == Counter(map(told, alone.log))
