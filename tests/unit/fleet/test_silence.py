"""Whose runs count as lost: by the own clock of who judges them."""

from rocketd.core.instant import MINUTE, SECOND
from rocketd.fleet.silence import LostHosts, RunOfHost


def run(sign: str, *, said: bool = False, name: str = "r1") -> RunOfHost:
    return RunOfHost(name, sign, MINUTE, said)


def test_a_host_is_lost_when_the_same_sign_of_life_has_been_the_last_for_long_enough() -> None:
    lost_hosts = LostHosts()
    assert not lost_hosts.lost([run("web1 7")], SECOND)
    assert not lost_hosts.lost([run("web1 7")], MINUTE)
    assert lost_hosts.lost([run("web1 7")], MINUTE + SECOND) == ["r1"]


def test_each_sign_of_life_begins_anew() -> None:
    lost_hosts = LostHosts()
    lost_hosts.lost([run("web1 7")], 0)
    lost_hosts.lost([run("web1 8")], MINUTE)
    assert not lost_hosts.lost([run("web1 8")], 2 * MINUTE - 1)
    assert lost_hosts.lost([run("web1 8")], 2 * MINUTE)


def test_what_is_not_watched_any_longer_is_forgotten() -> None:
    lost_hosts = LostHosts()
    lost_hosts.lost([run("web1 7")], 0)
    lost_hosts.lost([], SECOND)
    assert not lost_hosts.lost([run("web1 7")], 2 * MINUTE)


def test_an_operator_may_say_it_at_once() -> None:
    assert LostHosts().lost([run("web1 7", said=True), run("web2 1", name="r2")], 0) == ["r1"]
