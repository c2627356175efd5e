"""Several daemons that start at the same moment on one state directory: one works, the others say whose it is."""

from contextlib import ExitStack
from pathlib import Path

from support.daemon_process import Daemon
from support.run_ledger import NOTE, reconcile_at_rest

TASKS = """
[task.first]
command = "{note}"
shell = true
on = "startup"

[task.often]
command = "{note}"
shell = true
when = "every('50 ms')"
restart_delay = "1 ms"
"""

ROUNDS = 4
AT_ONCE = 4


def test_of_daemons_that_start_at_once_one_works_and_the_others_name_it(tmp_path: Path) -> None:
    """The winner of each round is killed, so that each race is also one for what it left behind."""
    with ExitStack() as stack:
        (tmp_path / "shared").mkdir()
        shared = stack.enter_context(Daemon(tmp_path / "shared"))
        daemons = [stack.enter_context(another(tmp_path / str(number), shared)) for number in range(AT_ONCE)]
        for _ in range(ROUNDS):
            (winner,) = race(daemons)
            seen = len(winner.lines)
            winner.until(lambda: sum("often succeeded" in line for line in winner.lines[seen:]) >= 3)  # noqa: B023 - at once
            shared.lines += [line for daemon in daemons for line in daemon.lines]
            winner.kill()
            for daemon in daemons:
                daemon.lines.clear()
        shared.write("tasks.toml", "[task.first]\ncommand = ['/bin/true']\n")
        shared.start()
        assert shared.stop() == 0
        begun, _ = reconcile_at_rest(shared)
        assert begun >= ROUNDS * 3


def another(directory: Path, shared: Daemon) -> Daemon:
    directory.mkdir()
    daemon = Daemon(directory, f"--state-dir={shared.state}", f"--runtime-dir={shared.runtime}")
    daemon.write("tasks.toml", TASKS.format(note=NOTE % shared.directory))
    return daemon


def race(daemons: list[Daemon]) -> list[Daemon]:
    """Start all of them; gives who won, once the others have given up."""
    for daemon in daemons:
        daemon.notices.clear()
        daemon.spawn()
    winners = []
    for daemon in daemons:
        daemon.until(lambda: "READY=1" in daemon.notices or daemon.has_closed())  # noqa: B023 - asked at once
        if daemon.has_closed():
            assert daemon.wait() == 3
            assert "holds the state directory" in daemon.lines[0]
        else:
            winners.append(daemon)
    return winners
