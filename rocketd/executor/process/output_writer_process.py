"""Starts the process that writes a run's output file (`output_writer.py`).

Writing to a file may block, and must not use more rights than the task's user has: so neither the loop nor a thread of
the daemon does it. The process is not part of its run's tree, and survives a stop of the run.
"""

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Final, NamedTuple

from rocketd.core.model.run import Run
from rocketd.core.model.task import Command, Identity, Surroundings
from rocketd.executor.process.launch import Launch, LaunchContext, build_launch
from rocketd.executor.process.launcher_protocol import LauncherProgress, launch_error
from rocketd.executor.process.spawner import Spawner, open_child_pidfd

WRITER: Final = str(Path(__file__).with_name("output_writer.py"))


class OutputWriterProcess(NamedTuple):
    """The process, and the daemon's ends of its pipes."""

    pid: int
    pidfd: int
    data: int
    """Where to write what goes into the file."""
    report: int
    """Where to read its reports."""
    launch: Launch
    progress: LauncherProgress
    """Of its launcher, if it has one."""

    def release(self) -> str:
        """Release its descriptors when it has ended; returns why it could not start, or an empty string."""
        message = self.progress.last_message()
        for descriptor in (self.pidfd, self.report):
            os.close(descriptor)
        self.progress.close()
        return (
            launch_error(self.launch.request, message).message
            if message and message.failed and self.launch.request
            else ""
        )


def start_writer(
    path: str, identity: Identity | None, run: Run, context: LaunchContext, spawner: Spawner
) -> OutputWriterProcess:
    """Start the writer with the rights of that user; raises OSError and RocketdError."""
    command = Command((sys.executable, "-I", "-S", WRITER, path), surroundings=Surroundings(identity, "/"))
    launch = build_launch(command, replace(run, run_id=f"{run.run_id}-output"), context)
    data_reader, data = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    report, report_writer = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    reader, status = os.pipe2(os.O_CLOEXEC)
    os.set_blocking(data_reader, True)
    os.set_blocking(report_writer, True)
    try:
        pid = spawner.spawn(launch, (report_writer, report_writer, data_reader), status)
        return OutputWriterProcess(pid, open_child_pidfd(pid), data, report, launch, LauncherProgress(reader))
    except BaseException:
        for descriptor in (data, report, reader):
            os.close(descriptor)
        raise
    finally:
        for descriptor in (data_reader, report_writer, status):
            os.close(descriptor)
