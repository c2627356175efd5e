"""The engine `kubernetes`: Jobs, by the API of the cluster.

The API refuses a second Job of the same name (409, AlreadyExists). A Job is one pod that is tried once: it has
`backoffLimit: 0` and `restartPolicy: Never`. It is deleted with its pods (foreground) when it is stopped, and goes by
itself a day after its end.
"""

import json
from collections.abc import Callable, Mapping
from functools import partial
from http import HTTPStatus
from typing import Any, Final

from rocketd.background_threads import WorkTimeout, in_thread
from rocketd.core.errors import ResourceShortage
from rocketd.core.instant import DAY, SECOND, Duration
from rocketd.core.model.engine import Kubernetes
from rocketd.core.model.task import Command
from rocketd.executor.engine.api_requests import ApiAnswer, ApiRequests, NoApiAnswer
from rocketd.executor.engine.command_runner import JOB_VARIABLE
from rocketd.executor.engine.job import Job, JobState, JobStatus, NoEngineAnswer, SubmissionRefused
from rocketd.executor.process.environment import run_variables

MEMORY: Final[Duration] = DAY
"""For how long a Job stays that has ended."""
_CONTAINER: Final = "task"
_RUN_ID: Final = "rocketd/run-id"
_LOG_LINES: Final = 2000
_TIMEOUT: Final = 60.0
"""Seconds for a request, with all that it waits for."""
_NOT_ALLOWED: Final = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})
_LATER: Final = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})


class KubernetesEngine:
    """Asks a cluster by its API: an `EngineClient`."""

    def __init__(self, settings: Kubernetes, requests: ApiRequests) -> None:
        self._settings = settings
        self._requests = requests
        self._jobs = f"/apis/batch/v1/namespaces/{settings.namespace}/jobs"
        self._pods = f"/api/v1/namespaces/{settings.namespace}/pods"

    async def submit(self, job: Job) -> str:
        """Create the Job; 409 means that it was created before."""
        answer = await self._ask("POST", self._jobs, job_manifest(job, self._settings))
        if answer.status == HTTPStatus.CONFLICT:
            answer = await self._ask("GET", f"{self._jobs}/{job.name}")
            if answer.status != HTTPStatus.OK:
                raise NoEngineAnswer(_why(answer))
            if _labels(answer.body).get(_RUN_ID) != job.run.run_id:
                raise SubmissionRefused(f"there is a Job {job.name} already, which is not rocketd's")
        elif answer.status in _NOT_ALLOWED:
            raise ResourceShortage(_why(answer), shared=False)  # a token that is renewed, a role that is missing yet
        elif answer.status in _LATER or answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise NoEngineAnswer(_why(answer))
        elif not HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
            raise SubmissionRefused(_why(answer))
        return str(_part(answer.body, "metadata").get("uid", ""))

    async def status(self, job: Job) -> JobStatus:
        """Read the Job, its pod, and the pod's log."""
        answer = await self._ask("GET", f"{self._jobs}/{job.name}")
        if answer.status == HTTPStatus.NOT_FOUND:
            return JobStatus(JobState.ABSENT, memory=MEMORY)
        if answer.status != HTTPStatus.OK:
            raise NoEngineAnswer(_why(answer))
        pods = await self._ask("GET", f"{self._pods}?labelSelector=job-name%3D{job.name}")
        if pods.status != HTTPStatus.OK:
            raise NoEngineAnswer(_why(pods))
        found = [one for one in pods.body.get("items") or () if isinstance(one, dict)]
        pod = found[0] if found else {}
        return job_status(answer.body, pod, await self._log(job, pod))

    async def cancel(self, job: Job) -> None:
        """Delete the Job, and with it its pods, which get the grace of the task."""
        options = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Foreground"}
        answer = await self._ask("DELETE", f"{self._jobs}/{job.name}", options)
        if answer.status >= HTTPStatus.MULTIPLE_CHOICES and answer.status != HTTPStatus.NOT_FOUND:
            raise NoEngineAnswer(_why(answer))

    async def forget(self, job: Job) -> None:
        """Leave it to the cluster, which deletes Jobs that have ended."""

    async def _log(self, job: Job, pod: Mapping[str, Any]) -> str:
        name, phase = _part(pod, "metadata").get("name"), _part(pod, "status").get("phase")
        if not isinstance(name, str) or phase in {None, "Pending"}:
            return ""
        query = f"?container={_CONTAINER}&tailLines={_LOG_LINES}"
        answer = await self._ask("GET", f"{self._pods}/{name}/log{query}")
        if answer.status != HTTPStatus.OK:
            return ""
        return answer.content[-job.task.output_tail :].decode(errors="replace") if job.task.output_tail else ""

    async def _ask(self, method: str, path: str, body: object = None) -> ApiAnswer:
        work: Callable[[], ApiAnswer] = partial(self._requests.send, self._settings, method, path, body)
        try:
            return await in_thread(work, time_limit=_TIMEOUT)
        except (NoApiAnswer, WorkTimeout, RuntimeError) as error:
            raise NoEngineAnswer(str(error) or "it does not answer") from None


def job_manifest(job: Job, settings: Kubernetes) -> dict[str, object]:
    """Return the Job of a run: batch/v1, one pod, tried once."""
    work = job.task.work
    assert isinstance(work, Command)  # noqa: S101 - the compiler takes no other
    variables = {**dict(work.surroundings.environment), **run_variables(job.run), JOB_VARIABLE: job.name}
    container: dict[str, object] = {
        **json.loads(settings.container),
        "name": _CONTAINER,
        "image": settings.image,
        "command": [_literal(one) for one in work.argv],
        "env": [{"name": name, "value": _literal(value)} for name, value in variables.items()],
    }
    if work.surroundings.directory:
        container["workingDir"] = work.surroundings.directory
    grace = {"terminationGracePeriodSeconds": max(round(job.task.kill_grace / SECOND), 1)}
    pod = {**grace, **json.loads(settings.pod), "containers": [container], "restartPolicy": "Never"}
    labels = {_RUN_ID: job.run.run_id, "app.kubernetes.io/managed-by": "rocketd"}
    about = {"rocketd/task": job.run.task, "rocketd/number": str(job.run.number)}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": job.name, "labels": labels, "annotations": about},
        "spec": {
            "backoffLimit": 0,
            "completions": 1,
            "parallelism": 1,
            "ttlSecondsAfterFinished": MEMORY // SECOND,
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }


def job_status(job: Mapping[str, Any], pod: Mapping[str, Any], output: str) -> JobStatus:
    """Return what a Job and its pod say."""
    status, of_pod = _part(job, "status"), _part(pod, "status")
    conditions = {one.get("type"): one for one in status.get("conditions") or () if one.get("status") == "True"}
    if "Complete" not in conditions and "Failed" not in conditions:
        going = of_pod.get("phase") in {"Running", "Succeeded", "Failed"}
        return JobStatus(JobState.RUNNING if going else JobState.PENDING, output=output)
    containers = [one for one in of_pod.get("containerStatuses") or () if one.get("name") == _CONTAINER]
    end = _part(_part(containers[0], "state"), "terminated") if containers else {}
    failed = conditions.get("Failed", {})
    if "Complete" in conditions:
        return JobStatus(JobState.ENDED, exit_code=0, output=output)
    message = str(failed.get("message") or "")
    if failed.get("reason") == "DeadlineExceeded":
        return JobStatus(JobState.TIMED_OUT, message=message, output=output)
    disrupted = any(one.get("type") == "DisruptionTarget" for one in of_pod.get("conditions") or ())
    if not end or disrupted or of_pod.get("reason") in {"Evicted", "NodeLost", "Preempting"}:
        return JobStatus(JobState.LOST, message=str(of_pod.get("message") or message), output=output)
    reason = f"Kubernetes: {end['reason']}" if end.get("reason") not in {None, "Error", "Completed"} else ""
    signal = end.get("signal") or None
    return JobStatus(JobState.ENDED, None if signal else end.get("exitCode"), signal, reason, output)


def _literal(text: str) -> str:
    """Write a text so that the cluster puts no variables in: `$(NAME)` would be one."""
    return text.replace("$(", "$$(")


def _part(of: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = of.get(name)
    return found if isinstance(found, dict) else {}


def _labels(job: Mapping[str, Any]) -> Mapping[str, Any]:
    return _part(_part(job, "metadata"), "labels")


def _why(answer: ApiAnswer) -> str:
    """Return what the API says about a failure: the message of its Status."""
    message = str(answer.body.get("message") or "")[:300]
    return f"the API answers {answer.status}: {message}" if message else f"the API answers {answer.status}"
