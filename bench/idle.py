"""What an idle daemon costs: CPU time and wake-ups while nothing is due, beside a process that only sleeps.

    python bench/idle.py [--tasks 1000] [--seconds 60]

A wake-up is a voluntary context switch of any of its threads (proc_pid_status(5)): it had gone to sleep and came back.
"""

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TASKS_PER_FILE = 1000
HZ = os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Measure, and print one line for people and one of JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=60)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="rocketd-idle-") as directory:
        measured = _measure(Path(directory), options.tasks, options.seconds)
    print(
        "{tasks} tasks, {seconds:.0f} s: CPU {cpu_ms:.0f} ms ({cpu_percent:.3f} %), {wakeups} wake-ups".format_map(
            measured
        )
    )
    print("a sleeping process beside it: CPU {limit_cpu_ms:.0f} ms, {limit_wakeups} wake-ups".format_map(measured))
    print("ready after {ready_ms:.0f} ms, {memory_mb:.1f} MB".format_map(measured))
    print(json.dumps(measured))


def _measure(directory: Path, tasks: int, seconds: float) -> dict[str, float]:
    config = directory / "etc"
    config.mkdir()
    for first in range(0, tasks, TASKS_PER_FILE):
        names = range(first, min(first + TASKS_PER_FILE, tasks))
        (config / f"{first:06}.toml").write_text("".join(map(_task, names)))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.bind(str(directory / "notify"))
        began = time.monotonic()
        daemon = subprocess.Popen(
            [
                *(sys.executable, "-m", "rocketd", "--log-target=console", f"--config-dir={config}"),
                *(f"--state-dir={directory / 'lib'}", f"--runtime-dir={directory / 'run'}"),
            ],
            stdout=subprocess.DEVNULL,
            env={**os.environ, "NOTIFY_SOCKET": str(directory / "notify")},
        )
        limit = subprocess.Popen(["sleep", "infinity"])
        try:
            while b"READY=1" not in notify.recv(4096):
                pass
            ready = time.monotonic() - began
            time.sleep(3)  # what follows a start is not idling
            before = [_usage(daemon.pid), _usage(limit.pid)]
            time.sleep(seconds)
            after = [_usage(daemon.pid), _usage(limit.pid)]
            memory = _status(daemon.pid, "VmRSS") / 1024
        finally:
            for process in (daemon, limit):
                process.send_signal(signal.SIGTERM)
                process.wait()
    (cpu, wakeups), (limit_cpu, limit_wakeups) = (
        (new[0] - old[0], new[1] - old[1]) for old, new in zip(before, after, strict=True)
    )
    return {
        "tasks": tasks,
        "seconds": seconds,
        "ready_ms": ready * 1000,
        "memory_mb": memory,
        "cpu_ms": cpu * 1000,
        "cpu_percent": cpu / seconds * 100,
        "wakeups": wakeups,
        "limit_cpu_ms": limit_cpu * 1000,
        "limit_wakeups": limit_wakeups,
    }


def _task(number: int) -> str:
    """A task that is due some hours from now, at a minute of its own."""
    hour = (time.localtime().tm_hour + 6 + number % 4) % 24
    window = f"time_of_day.between('{hour:02}:{number % 60:02}', '{(hour + 4) % 24:02}:00')"
    return f'[task.t{number:06}]\ncommand = ["/bin/true"]\nwhen = "(daily | retry(3)) & {window}"\n'


def _usage(pid: int) -> tuple[float, int]:
    """CPU seconds of the process, and how often its threads have woken up."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    threads = [int(entry.name) for entry in Path(f"/proc/{pid}/task").iterdir()]
    return (int(fields[11]) + int(fields[12])) / HZ, sum(
        _status(thread, "voluntary_ctxt_switches") for thread in threads
    )


def _status(pid: int, name: str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1])
    raise KeyError(name)


if __name__ == "__main__":
    main()
