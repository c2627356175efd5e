"""An answer of the database that does not arrive: what was read with it is read again."""

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
