"""What engines say about a job, and what that means for its run: pure functions, with answers as engines give them."""

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from rocketd.core.instant import SECOND
from rocketd.core.model.engine import Engine, EngineKind, Kubernetes, RemoteManager, Slurm, Ssh
from rocketd.core.model.events import Finished, Withdrawn
from rocketd.core.model.run import Action, Cause, Run, Trigger
from rocketd.core.model.task import Command, Surroundings, Task
from rocketd.executor.engine.decision import SETTLE, JobFacts, decide
from rocketd.executor.engine.engine_run import EngineRun
from rocketd.executor.engine.job import Job, JobState, JobStatus, job_name
from rocketd.executor.engine.kubernetes import job_manifest, job_status
from rocketd.executor.engine.remote_systemd import submit_script, unit_status
from rocketd.executor.engine.slurm import batch_script
from rocketd.executor.engine.user_commands import UserCommands

NOW = 1_795_950_000 * SECOND
RUN = Run("train", 17, "0190f3c1-a2b4-7c3e-8d5f-60718293a4b5", 1, NOW, NOW, Trigger.SCHEDULE, "it was time")
WORK = Command(
    ("/srv/train", "--all", "a 'b'", "$HOME", "$(X)"), '{"a": 1}', Surroundings(environment=(("KEY", "s3cret"),))
)
NAME = "rocketd-train-17-0190f3c1a2b47c3e8d5f60718293a4b5"


def job(work: Command = WORK) -> Job:
    return Job(Task("train", work, engine=Engine(EngineKind.SLURM, Slurm())), RUN, NAME)


def facts(**known: object) -> JobFacts:
    return replace(JobFacts(RUN, WORK, "slurm", noted_at=NOW - SECOND), **known)  # type: ignore[arg-type]


def test_the_name_of_a_job_is_that_of_its_run_and_a_dns_label() -> None:
    assert job_name(RUN) == NAME
    long = job_name(replace(RUN, task="Ä very.long_name " * 9, number=12_345))
    assert len(long) <= 63
    assert long.endswith("-12345-0190f3c1a2b47c3e8d5f60718293a4b5")
    assert set(long) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")


@pytest.mark.parametrize("state", [JobState.PENDING, JobState.RUNNING])
def test_a_job_that_is_there_goes_on(state: JobState) -> None:
    known = facts()
    assert decide(known, JobStatus(state), NOW, 0) is None
    assert known.accepted


def test_a_job_that_is_not_there_may_still_come_for_a_while() -> None:
    assert decide(facts(), JobStatus(JobState.ABSENT), NOW, SETTLE - 1) is None
    outcome = decide(facts(unanswered="timed out"), JobStatus(JobState.ABSENT), NOW, SETTLE)
    assert isinstance(outcome, Withdrawn)
    assert outcome.reason == "slurm does not have it: timed out"


def test_a_job_that_the_engine_may_have_forgotten_is_not_begun_anew() -> None:
    outcome = decide(facts(noted_at=NOW - 600 * SECOND), JobStatus(JobState.ABSENT, memory=240 * SECOND), NOW, SETTLE)
    assert isinstance(outcome, Finished)
    assert (outcome.end.action, outcome.end.cause) == (Action.CRASH, Cause.DOWN)


def test_a_clock_that_was_set_back_says_nothing_about_what_is_forgotten() -> None:
    outcome = decide(facts(noted_at=NOW + SECOND), JobStatus(JobState.ABSENT, memory=240 * SECOND), NOW, SETTLE)
    assert isinstance(outcome, Finished)


def test_what_was_never_noted_is_withdrawn_at_once() -> None:
    assert isinstance(decide(facts(noted_at=0), JobStatus(JobState.ABSENT), NOW, 0), Withdrawn)


def test_a_job_that_the_engine_had_is_lost_only_if_it_says_so_twice() -> None:
    known = facts(accepted=True)
    assert decide(known, JobStatus(JobState.ABSENT), NOW, SETTLE) is None
    assert decide(known, JobStatus(JobState.RUNNING), NOW, SETTLE) is None
    assert decide(known, JobStatus(JobState.ABSENT), NOW, SETTLE) is None
    assert isinstance(decide(known, JobStatus(JobState.ABSENT), NOW, SETTLE), Finished)


@pytest.mark.parametrize(
    ("state", "action", "cause"),
    [
        (JobState.ENDED, Action.FAIL, Cause.EXIT),
        (JobState.STOPPED, Action.TERMINATE, Cause.OPERATOR),
        (JobState.TIMED_OUT, Action.TERMINATE, Cause.TIMEOUT),
        (JobState.LOST, Action.CRASH, Cause.DOWN),
    ],
)
def test_how_a_job_ended_is_how_its_run_ended(state: JobState, action: Action, cause: Cause) -> None:
    outcome = decide(facts(), JobStatus(state, exit_code=3), NOW, 0)
    assert isinstance(outcome, Finished)
    assert (outcome.end.action, outcome.end.cause, outcome.end.exit_code) == (action, cause, 3)


@pytest.mark.parametrize("state", [JobState.ENDED, JobState.STOPPED])
def test_a_run_that_rocketd_stopped_has_that_cause(state: JobState) -> None:
    outcome = decide(facts(cause=Cause.TIMEOUT), JobStatus(state, exit_code=0), NOW, 0)
    assert isinstance(outcome, Finished)
    assert (outcome.end.action, outcome.end.cause) == (Action.TERMINATE, Cause.TIMEOUT)


def test_lines_of_a_tail_that_moves_on_are_new_once() -> None:
    one = EngineRun(job(), Engine(EngineKind.SLURM, Slurm()), UserCommands(None, None), facts(), 0)  # type: ignore[arg-type]
    whole = "".join(f"line {number}\n" for number in range(1000))
    told = [
        line for end in range(7, len(whole), 331) for line in one.new_lines(whole[max(end - 700, 0) : end], ended=False)
    ]
    told += one.new_lines(whole[-700:] + "the last", ended=True)
    assert told == [*whole.splitlines(), "the last"]


def test_of_a_tail_that_is_all_new_no_broken_line_is_told() -> None:
    one = EngineRun(job(), Engine(EngineKind.SLURM, Slurm()), UserCommands(None, None), facts(), 0)  # type: ignore[arg-type]
    assert one.new_lines("first\nsec", ended=False) == ["first"]
    assert one.new_lines("oken\nlater\n", ended=True) == ["later"]


def test_the_script_of_a_batch_job_has_the_command_and_its_input() -> None:
    assert batch_script(job()) == (
        "#!/bin/sh\nexec /srv/train --all 'a '\"'\"'b'\"'\"'' '$HOME' '$(X)' <<'ROCKETD_END_OF_INPUT'\n"
        '{"a": 1}\nROCKETD_END_OF_INPUT\n'
    )
    assert "<<'ROCKETD_END_OF_INPUT_'" in batch_script(job(replace(WORK, stdin="x\nROCKETD_END_OF_INPUT\n; evil")))


HOSTILE = {"KEY": "s3cret", "LD_PRELOAD": "/home/science/evil.so", "PATH": "/nowhere", "TEXT": 'a"b`c$d\\e\n# \\"ä'}


def submitted(tmp_path: Path, variables: dict[str, str]) -> tuple[str, str, str]:
    """Let sh execute the script; returns what systemd-run gets: arguments, environment, the file of variables."""
    seen = tmp_path / "seen"
    program = tmp_path / "systemd-run"
    program.write_text(
        f'#!/bin/sh\nprintf "%s\\n" "$@" >{seen}.arguments\nenv >{seen}.environment\n'
        f'cp "${{1#--property=EnvironmentFile=}}" {seen}.file\nexit 3\n'
    )
    program.chmod(0o755)
    work = replace(WORK, surroundings=Surroundings(environment=tuple(variables.items())))
    script = submit_script(job(work), Ssh("db1", manager=RemoteManager.USER, user="science"))
    path = {"PATH": f"{tmp_path}:/usr/bin:/bin", "XDG_RUNTIME_DIR": str(tmp_path)}
    ended = subprocess.run(["/bin/sh", "-s"], input=script, text=True, env=path, check=False)
    assert ended.returncode == 3, "that of systemd-run"
    assert {one.name for one in tmp_path.iterdir()} == {program.name, *(one.name for one in tmp_path.glob("seen.*"))}
    arguments, environment, file = (
        (tmp_path / f"seen.{one}").read_text() for one in ("arguments", "environment", "file")
    )
    return arguments, environment, file


def test_systemd_run_has_no_variable_of_the_task(tmp_path: Path) -> None:
    """It has the rights of who logs in, perhaps of root, and its arguments can be seen by everybody."""
    arguments, environment, file = submitted(tmp_path, HOSTILE)
    assert not [value for value in HOSTILE.values() if value in arguments]
    assert "evil.so" not in environment
    assert "PATH=/nowhere" not in environment
    assert {f"--unit={NAME}", "--user", "$$HOME"} <= set(arguments.split("\n"))
    assert 'KEY="s3cret"\n' in file
    assert r"""TEXT="a\"b\`c\$d\\e""" in file


@pytest.mark.parametrize(
    ("properties", "status"),
    [
        ({"LoadState": "not-found", "Uptime": "60"}, JobStatus(JobState.ABSENT, memory=60 * SECOND)),
        ({"LoadState": "loaded", "SubState": "running"}, JobStatus(JobState.RUNNING)),
        (
            {
                "LoadState": "loaded",
                "SubState": "failed",
                "Result": "exit-code",
                "ExecMainCode": "1",
                "ExecMainStatus": "3",
            },
            JobStatus(JobState.ENDED, exit_code=3),
        ),
        (
            {
                "LoadState": "loaded",
                "SubState": "failed",
                "Result": "signal",
                "ExecMainCode": "2",
                "ExecMainStatus": "9",
            },
            JobStatus(JobState.ENDED, signal=9),
        ),
        (
            {
                "LoadState": "loaded",
                "SubState": "failed",
                "Result": "oom-kill",
                "ExecMainCode": "2",
                "ExecMainStatus": "9",
            },
            JobStatus(JobState.ENDED, signal=9, message="systemd: oom-kill"),
        ),
    ],
)
def test_what_systemd_says_of_a_unit(properties: dict[str, str], status: JobStatus) -> None:
    assert unit_status(properties, "") == status


def test_a_job_of_kubernetes_is_one_pod_that_is_tried_once() -> None:
    cluster = Kubernetes("https://k8s", "busybox", pod='{"restartPolicy": "Always"}', container='{"command": ["x"]}')
    manifest = job_manifest(job(), cluster)
    spec = manifest["spec"]
    assert isinstance(spec, dict)
    assert spec["backoffLimit"] == 0
    pod = spec["template"]["spec"]
    assert pod["restartPolicy"] == "Never"
    assert pod["containers"][0]["command"] == ["/srv/train", "--all", "a 'b'", "$HOME", "$$(X)"]


FAILED = {"status": {"conditions": [{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded"}]}}


@pytest.mark.parametrize(
    ("of_job", "of_pod", "state", "code"),
    [
        ({"status": {}}, {}, JobState.PENDING, None),
        ({"status": {"active": 1}}, {"status": {"phase": "Pending"}}, JobState.PENDING, None),
        ({"status": {"active": 1}}, {"status": {"phase": "Running"}}, JobState.RUNNING, None),
        ({"status": {"conditions": [{"type": "Complete", "status": "True"}]}}, {}, JobState.ENDED, 0),
        (
            FAILED,
            {"status": {"containerStatuses": [{"name": "task", "state": {"terminated": {"exitCode": 3}}}]}},
            JobState.ENDED,
            3,
        ),
        (FAILED, {}, JobState.LOST, None),
        (FAILED, {"status": {"reason": "Evicted", "message": "no memory"}}, JobState.LOST, None),
        (
            {"status": {"conditions": [{"type": "Failed", "status": "True", "reason": "DeadlineExceeded"}]}},
            {},
            JobState.TIMED_OUT,
            None,
        ),
    ],
)
def test_what_kubernetes_says_of_a_job(
    of_job: dict[str, object], of_pod: dict[str, object], state: JobState, code: int | None
) -> None:
    status = job_status(of_job, of_pod, "")
    assert (status.state, status.exit_code) == (state, code)
