"""What becomes of answers of the database: one that does not arrive, and one that no record is taken."""

from collections import Counter

from rocketd.core.instant import MINUTE, SECOND
from rocketd.core.model.run import Action
from simulation.test_fleet import START, shared_task
from support.simulated_fleet_hosts import Conditions, SimulatedFleet, SimulatedHost


def test_what_was_read_is_read_again_if_the_answer_was_lost() -> None:
    fleet = SimulatedFleet(1, START)
    for number in range(3):
        host = SimulatedHost(fleet, f"web{number}", [shared_task("t0", "cron('* * * * *')")])
        host.takes = lambda _: (20 * SECOND, Action.SUCCESS)
        host.boot()
    fleet.run_until(START + MINUTE)
    for _ in range(20):
        fleet.conditions = Conditions(lost_news=1.0)
        fleet.run_until(fleet.now + 12 * SECOND)
        fleet.conditions = Conditions()
        fleet.run_until(fleet.now + 12 * SECOND)
        active = {run.number for _, run in fleet.database.open_runs.values()}
        for host in fleet.hosts.values():
            assert {*host.scheduler.history.of("t0").running} == active, host.name
    assert [host.member.rebuilds for host in fleet.hosts.values()] == [1, 1, 1], "none has read all anew"


def test_a_task_of_which_no_record_is_taken_keeps_no_other_from_running() -> None:
    fleet = SimulatedFleet(1, START)
    for number in range(3):
        host = SimulatedHost(fleet, f"web{number}", [shared_task(f"t{n}", "cron('* * * * *')") for n in range(5)])
        host.boot()
    fleet.run_until(START + MINUTE)
    fleet.database.unrecordable = {"t0"}
    begun = len(fleet.begun)
    fleet.run_until(START + 11 * MINUTE)
    runs = Counter(run.task for run, _, _ in fleet.begun[begun:])
    assert runs == {"t1": 10, "t2": 10, "t3": 10, "t4": 10}
    assert len([one for one in fleet.database.terms if one[0] != "t0"]) == 4, "nobody has lost the others"
    fleet.database.unrecordable = set()
    fleet.run_until(START + 13 * MINUTE)
    assert {run.task for run, _, _ in fleet.begun[-10:]} == {"t0", "t1", "t2", "t3", "t4"}
