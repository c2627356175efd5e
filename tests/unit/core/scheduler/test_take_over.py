"""Which host takes over a task that no live host owns."""

from rocketd.core.scheduler.take_over import FreeTask, TakeOver, candidates

HOSTS = dict.fromkeys(("web1", "web2", "web3"), "d")


def test_tasks_with_the_same_mutex_go_to_the_same_host() -> None:
    firsts = {candidates(FreeTask(f"t{number}", "d", HOSTS, mutex="db"))[0] for number in range(50)}
    assert len(firsts) == 1
    assert len({candidates(FreeTask(f"t{number}", "d", HOSTS))[0] for number in range(50)}) == 3


def test_only_the_owner_of_its_mutex_takes_a_task_over_whatever_its_file_says() -> None:
    assert candidates(FreeTask("t", "other", HOSTS, mutex="db", holder="web2")) == ["web2"]
    assert not candidates(FreeTask("t", "d", HOSTS, mutex="db", holder="web9")), "it does not have the task"


def test_a_host_to_which_it_was_moved_is_the_first_choice() -> None:
    for name in HOSTS:
        assert candidates(FreeTask("t", "d", HOSTS, preferred=name))[0] == name
    assert sorted(candidates(FreeTask("t", "d", HOSTS, preferred="gone"))) == sorted(HOSTS)


def test_what_stays_free_is_left_to_the_next_at_the_next_look() -> None:
    free = [FreeTask("t", "d", HOSTS, preferred="web1")]
    second = candidates(free[0])[1]
    take_over = TakeOver(second)
    assert take_over.choose(free) == []
    assert take_over.choose(free) == ["t"]
