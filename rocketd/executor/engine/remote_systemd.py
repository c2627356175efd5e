"""The engine `ssh`: transient units of systemd on another host.

systemd refuses a second unit of the same name, and a unit stays, with all that systemd knows of it, until the end of
its run is recorded (RemainAfterExit=). What is asked for is a script on ssh's standard input, so this host's command
lines show nothing of the task. There, its variables reach it by a file that only the user who logs in can read, and
that is gone after the start: no program with his rights has them, and `systemctl show` does not show them.
"""

import os
import re
import shlex
from collections.abc import Mapping
from typing import Final

from rocketd.core.errors import ResourceShortage
from rocketd.core.instant import SECOND, Duration
from rocketd.core.model.engine import RemoteManager, Ssh
from rocketd.core.model.run import End
from rocketd.core.model.task import Command
from rocketd.executor.engine.command_runner import JOB_VARIABLE, CommandRunner, last_line
from rocketd.executor.engine.job import Job, JobState, JobStatus, NoEngineAnswer, SubmissionRefused
from rocketd.executor.process.environment import run_variables

_OPTIONS: Final = ("-o", "BatchMode=yes", "-o", "ConnectTimeout=20", "-o", "LogLevel=ERROR", "-T")
_NO_CONNECTION: Final = 255
"""The exit code of ssh itself."""
_EXISTS: Final = re.compile("already loaded|already exists|has a fragment file")
_UNANSWERED: Final = re.compile("timed out|connection|no reply|bus", re.IGNORECASE)
_MARK: Final = "ROCKETD-UNIT-STATE"
_STATE: Final = re.compile(rf"^{_MARK}\n", re.MULTILINE)
_SETUP_FAILED: Final = 200
"""The lowest exit status by which systemd itself says that a step before the program failed: systemd.exec(5)."""
_PROPERTIES: Final = (
    "LoadState,SubState,Result,ExecMainCode,ExecMainStatus,ExecMainStartTimestampMonotonic,"
    "ExecMainExitTimestampMonotonic,CPUUsageNSec"
)
_ENDED: Final = frozenset({"exited", "failed", "dead"})
_UNKNOWN: Final = 2**64 - 1
_NEEDS_ESCAPE: Final = re.compile(r'(["\\`$])')
_ESCAPED: Final = r"\\\1"
_ROOM: Final = 1024
"""Bytes for the properties, beside the output."""


class RemoteSystemd:
    """Asks the systemd of another host: an `EngineClient`."""

    def __init__(self, settings: Ssh, runner: CommandRunner) -> None:
        self._settings = settings
        self._runner = runner
        self._user = " --user" if settings.manager is RemoteManager.USER else ""

    async def submit(self, job: Job) -> str:
        """Have systemd start a unit of the job's name."""
        end = await self._call(job, submit_script(job, self._settings))
        if end.exit_code == os.EX_TEMPFAIL:
            raise ResourceShortage(last_line(end), shared=False)
        if end.exit_code == 0 or _EXISTS.search(end.output):
            return f"{job.name}.service"
        if end.exit_code is None or _UNANSWERED.search(end.output):
            raise NoEngineAnswer(last_line(end))
        raise SubmissionRefused(last_line(end))

    async def status(self, job: Job) -> JobStatus:
        """Ask systemd for the unit, and the journal for what it printed."""
        field = "_SYSTEMD_USER_UNIT" if self._user else "_SYSTEMD_UNIT"
        script = (
            f"journalctl --quiet --no-pager --output=cat --lines=1000 {field}={job.name}.service 2>/dev/null"
            f" | tail -c {job.task.output_tail}\n"
            f"echo {_MARK}\n"
            f"systemctl{self._user} show {job.name}.service --property={_PROPERTIES} || exit 1\n"
            "echo Uptime=$(cut -d. -f1 /proc/uptime)\n"
        )
        end = await self._call(job, script, tail=job.task.output_tail + _ROOM)
        parts = _STATE.split(end.output)
        if end.exit_code != 0 or len(parts) == 1:
            raise NoEngineAnswer(last_line(end))
        properties = dict(line.split("=", 1) for line in parts[-1].splitlines() if "=" in line)
        return unit_status(properties, parts[-2])

    async def cancel(self, job: Job) -> None:
        """Have systemd stop the unit: TERM, the grace of the task, KILL."""
        script = f"systemctl{self._user} stop --no-block {job.name}.service 2>&1 | grep -v 'not loaded'; true\n"
        end = await self._call(job, script)
        if end.exit_code != 0:
            raise NoEngineAnswer(last_line(end))

    async def forget(self, job: Job) -> None:
        """Let systemd forget the unit, and end what the job left behind."""
        systemctl = f"systemctl{self._user}"
        script = f"{systemctl} stop {job.name}.service; {systemctl} reset-failed {job.name}.service; true\n"
        await self._call(job, script)

    async def _call(self, job: Job, script: str, tail: int = 16 * 1024) -> End:
        argv = ("ssh", *_OPTIONS, *self._settings.options, "--", self._settings.host, "exec /bin/sh -s")
        end = await self._runner.call(argv, job, stdin=script, tail=tail, inherits=False)
        if end.exit_code in {None, _NO_CONNECTION}:
            raise NoEngineAnswer(last_line(end))
        return end


def submit_script(job: Job, settings: Ssh) -> str:
    """Return what starts the unit; it exits with EX_TEMPFAIL if there is no room for the file of its variables."""
    work = job.task.work
    assert isinstance(work, Command)  # noqa: S101 - the compiler takes no other
    surroundings = work.surroundings
    variables = {**dict(surroundings.environment), **run_variables(job.run), JOB_VARIABLE: job.name}
    properties = [f"TimeoutStopSec={job.task.kill_grace}us", *(f"{key}={value}" for key, value in job.task.unit)]
    arguments = [
        *(["--user"] if settings.manager is RemoteManager.USER else []),
        *("--quiet", "--remain-after-exit", f"--unit={job.name}"),
        f"--description={job.run.task}, run {job.run.number}, of rocketd",
        *(f"--property={one}" for one in properties),
        *([f"--uid={settings.user}"] if settings.user else []),
        *([f"--working-directory={surroundings.directory}"] if surroundings.directory else []),
    ]
    given = f"--property=StandardInputText={_escaped(work.stdin)}" if work.stdin else ""
    more = ["--property=StandardInput=data", given] if given else []
    argv = [work.argv[0], *(one.replace("$", "$$") for one in work.argv[1:])]  # systemd would put variables in
    return (
        "umask 077\n"
        f'file=$(mktemp -p "${{XDG_RUNTIME_DIR:-/run}}" 2>/dev/null || mktemp) || exit {os.EX_TEMPFAIL}\n'
        "trap 'rm -f \"$file\"' EXIT\n"
        f'printf %s {shlex.quote(environment_file(variables))} >"$file" || exit {os.EX_TEMPFAIL}\n'
        f'systemd-run --property=EnvironmentFile="$file" {shlex.join([*arguments, *more, "--", *argv])}\n'
    )


def environment_file(variables: Mapping[str, str]) -> str:
    """Write variables as EnvironmentFile= of systemd.exec(5) reads them."""
    return "".join(f'{name}="{_NEEDS_ESCAPE.sub(_ESCAPED, value)}"\n' for name, value in variables.items())


def unit_status(properties: dict[str, str], output: str) -> JobStatus:
    """Return what the properties of a unit mean."""
    if properties.get("LoadState") == "not-found":
        return JobStatus(JobState.ABSENT, memory=_number(properties, "Uptime") * SECOND)
    if properties.get("SubState") not in _ENDED:
        return JobStatus(JobState.RUNNING, output=output)
    how, status = properties.get("ExecMainCode"), _number(properties, "ExecMainStatus")
    began, ended = (_number(properties, f"ExecMain{one}TimestampMonotonic") for one in ("Start", "Exit"))
    runtime: Duration = max(ended - began, 0) if began and ended else 0
    cpu = properties.get("CPUUsageNSec", "")
    message, result = "", properties.get("Result", "")
    if result not in {"success", "exit-code", "signal", "core-dump"}:
        message = f"systemd: {result}"
    elif how == "1" and status >= _SETUP_FAILED:
        message = f"systemd could not begin it: exit status {status} of systemd.exec(5)"
    return JobStatus(
        JobState.TIMED_OUT if result == "timeout" else JobState.ENDED,
        status if how == "1" else None,
        status if how in {"2", "3"} else None,
        message,
        output,
        cpu=int(cpu) // 1000 if cpu.isdecimal() and int(cpu) != _UNKNOWN else None,
        runtime=runtime,
    )


def _number(properties: dict[str, str], name: str) -> int:
    text = properties.get(name, "")
    return int(text) if text.isdecimal() else 0


def _escaped(text: str) -> str:
    r"""Write a text as StandardInputText= takes it: C escapes, and no specifiers."""
    return "".join(
        one if one.isalnum() or one in " _-,.:/" else "".join(f"\\x{byte:02x}" for byte in one.encode()) for one in text
    )
