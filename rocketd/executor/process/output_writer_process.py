"""Starts the process that writes a run's output file (`output_writer.py`).

Whoever writes to a file may have to wait for it, and must have no more rights than the task's user: so neither the
loop nor a thread of ours does it. The process is no part of its run's tree, and outlives a stop of it.
"""

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Final, NamedTuple

from rocketd.core.model.run import Run
from rocketd.core.model.task import Command, Identity, Surroundings
from rocketd.executor.process.launch import Launch, LaunchContext, build_launch
from rocketd.executor.process.launcher import LauncherProgress, failure
from rocketd.executor.process.spawner import Spawner, hold

WRITER: Final = str(Path(__file__).with_name("output_writer.py"))


class OutputWriterProcess(NamedTuple):
    """The process, and our ends of its pipes."""

    pid: int
    pidfd: int
    data: int
    """What is written there gets to the file."""
    report: int
    """What it says."""
    launch: Launch
    progress: LauncherProgress
    """Of its launcher, if it has one."""

    def let_go(self) -> str:
        """Be done with it, as it has ended; gives what kept it from beginning, if something did."""
        told = self.progress.told()
        for descriptor in (self.pidfd, self.report):
            os.close(descriptor)
        self.progress.close()
        return failure(self.launch.orders, told).message if told and told.failed and self.launch.orders else ""


def start_writer(
    path: str, identity: Identity | None, run: Run, host: LaunchContext, spawner: Spawner
) -> OutputWriterProcess:
    """Start it with the rights of that user; raises OSError and RocketdError."""
    command = Command((sys.executable, "-I", "-S", WRITER, path), surroundings=Surroundings(identity, "/"))
    launch = build_launch(command, replace(run, run_id=f"{run.run_id}-output"), host)
    theirs, data = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    report, said = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    reader, status = os.pipe2(os.O_CLOEXEC)
    os.set_blocking(theirs, True)
    os.set_blocking(said, True)
    try:
        pid = spawner.spawn(launch, (said, said, theirs), status)
        return OutputWriterProcess(pid, hold(pid), data, report, launch, LauncherProgress(reader))
    except BaseException:
        for descriptor in (data, report, reader):
            os.close(descriptor)
        raise
    finally:
        for descriptor in (theirs, said, status):
            os.close(descriptor)
