"""What the host lacks is no failure of a function in a child process: its run is withdrawn, and starts when it can."""

import resource
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from itertools import count, islice
from pathlib import Path
from typing import TypeAlias

import pytest

from support.shortages import process_cgroup

PROGRAM = """
    import sys, time
    from collections import Counter
    from rocketd import Rocketd
    from rocketd.conds import false
    from rocketd.executor.inprocess.child_process import warm_up

    app = Rocketd(config={"execution": "process", "max_process_count": 12})


    def work():
        time.sleep(0.2)


    for number in range(12):
        app.task(false, name=f"work{number}", func=work)

    if __name__ == "__main__":
        warm_up("")
        print("ready", flush=True)
        sys.stdin.readline()
        app.session.run(*[task.name for task in app.session.tasks])
        records = [*app.session.get_task_log()]
        counts = Counter(record.action for record in records)
        print(counts["success"], *sorted(counts))
        print(*{record.message for record in records if record.action == "withdrawn"}, sep=", ")
"""

GiveBack: TypeAlias = Callable[[], object]
Taken: TypeAlias = Callable[[int], AbstractContextManager[GiveBack]]


def fork_server_of(pid: int) -> int:
    (server,) = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(server)


@contextmanager
def no_processes(pid: int) -> Iterator[GiveBack]:
    """The fork server can have no child."""
    with process_cgroup() as place:
        (place / "pids.max").write_text("1")
        (place / "cgroup.procs").write_text(str(fork_server_of(pid)))
        yield partial((place / "pids.max").write_text, "1000")


@contextmanager
def one_descriptor(pid: int) -> Iterator[GiveBack]:
    """The fork server can take one descriptor from the program; it needs two for each child."""
    server = fork_server_of(pid)
    opened = {int(each.name) for each in Path(f"/proc/{server}/fd").iterdir()}
    _, second = islice((number for number in count() if number not in opened), 2)
    before = resource.prlimit(server, resource.RLIMIT_NOFILE)
    resource.prlimit(server, resource.RLIMIT_NOFILE, (second, before[1]))
    yield partial(resource.prlimit, server, resource.RLIMIT_NOFILE, before)


@contextmanager
def few_descriptors(pid: int) -> Iterator[GiveBack]:
    """The program itself has descriptors for a few child processes only; it never gets more."""
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (32, 4096))
    yield lambda: None


@pytest.mark.parametrize(
    ("taken", "why"),
    [
        (no_processes, "a process: Resource temporarily unavailable"),
        (one_descriptor, "a process: Too many open files"),
        (few_descriptors, "a socket: Too many open files"),
    ],
)
def test_no_run_is_lost_and_none_fails(taken: Taken, why: str, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(textwrap.dedent(PROGRAM))
    call = [sys.executable, str(program)]
    pipe = subprocess.PIPE
    with subprocess.Popen(call, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as running, ExitStack() as stack:
        stack.callback(running.kill)
        assert running.stdin is not None
        assert running.stdout is not None
        assert running.stderr is not None
        assert running.stdout.readline() == "ready\n"
        with taken(running.pid) as give_back:
            running.stdin.write("\n")
            running.stdin.flush()
            assert why in running.stderr.readline()
            give_back()
            told, _ = running.communicate(timeout=60)
        assert running.returncode == 0
        assert told.splitlines() == ["12 run success withdrawn", why]
