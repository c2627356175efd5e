"""A stand-in for the API of a Kubernetes cluster: what its documentation says of Jobs, pods and logs, over HTTP.

    POST   …/jobs          201; 409 (AlreadyExists) if there is a Job of that name; 401 without the token
    GET    …/jobs/NAME     200; 404 (NotFound)
    DELETE …/jobs/NAME     200; in the foreground: the Job stays, with a deletionTimestamp, until its pod has ended
    GET    …/pods          those of a Job, by the label job-name
    GET    …/pods/NAME/log what it printed

Containers are processes of this host.
"""

import json
import os
import signal
import subprocess
import tempfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread
from typing import Any, Final, Self
from urllib.parse import parse_qs, urlsplit

from rocketd.core.instant import SECOND
from rocketd.core.model.engine import Engine, EngineKind, Kubernetes
from rocketd.core.model.secret import Secret

TOKEN: Final = "a-secret-token"  # noqa: S105 - nobody else takes it
JOBS: Final = "/apis/batch/v1/namespaces/default/jobs"
PODS: Final = "/api/v1/namespaces/default/pods"


class _Pod:
    """The one pod of a Job."""

    def __init__(self, manifest: dict[str, Any]) -> None:
        self.manifest = manifest
        self.deleted = False
        container = manifest["spec"]["template"]["spec"]["containers"][0]
        environment = {one["name"]: one["value"] for one in container["env"]}
        self._output = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the process
        self.failed_to_start = False
        try:
            self._process = subprocess.Popen(
                container["command"],
                env={"PATH": os.environ["PATH"]} | environment,
                stdin=subprocess.DEVNULL,
                stdout=self._output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except FileNotFoundError:
            self._process = subprocess.Popen(["/bin/sh", "-c", "exit 127"])

    @property
    def code(self) -> int | None:
        return self._process.poll()

    @property
    def log(self) -> bytes:
        size = os.fstat(self._output.fileno()).st_size
        return os.pread(self._output.fileno(), size, 0)

    def delete(self) -> None:
        self.deleted = True
        if self.code is None:
            os.killpg(self._process.pid, signal.SIGTERM)

    def close(self) -> None:
        if self.code is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(10)
        self._output.close()

    def status(self) -> dict[str, Any]:
        if self.code is None:
            return {"phase": "Running"}
        ended = {"exitCode": self.code if self.code >= 0 else 128 - self.code, "reason": "Error"}
        if self.code < 0:
            ended["signal"] = -self.code
        phase = "Failed" if self.code else "Succeeded"
        return {"phase": phase, "containerStatuses": [{"name": "task", "state": {"terminated": ended}}]}


class Cluster:
    """A server on loopback, from `with` to its end."""

    def __init__(self, top: Path, interval: float = 0.05) -> None:
        self.pods: dict[str, _Pod] = {}
        self.begun: list[str] = []
        """The names of the Jobs that were created."""
        self.asked: list[str] = []
        self.says: int = 0
        """Which error it answers to everything; 0: none."""
        self.lock = Lock()
        token = top / "token"
        token.write_text(f"{TOKEN}\n")
        cluster = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self._answer("GET")

            def do_POST(self) -> None:
                self._answer("POST")

            def do_DELETE(self) -> None:
                self._answer("DELETE")

            def log_message(self, *_: object) -> None: ...

            def _answer(self, method: str) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                allowed = self.headers.get("Authorization") == f"Bearer {TOKEN}"
                with cluster.lock:
                    status, content = (
                        cluster.answer(method, self.path, body) if allowed else failure(401, "Unauthorized")
                    )
                data = content if isinstance(content, bytes) else json.dumps(content).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        by = Kubernetes(f"http://127.0.0.1:{self._server.server_port}", "busybox", token=Secret(file=str(token)))
        self.engine = Engine(EngineKind.KUBERNETES, by, int(interval * SECOND))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)
        for pod in self.pods.values():
            pod.close()

    def answer(self, method: str, target: str, body: bytes) -> tuple[int, Any]:
        """Return what the API says."""
        url = urlsplit(target)
        self.asked.append(f"{method} {target}")
        if self.says:
            return failure(self.says, "etcdserver: request timed out")
        if url.path == JOBS and method == "POST":
            return self._create(json.loads(body))
        if url.path == PODS:
            name = parse_qs(url.query)["labelSelector"][0].removeprefix("job-name=")
            return 200, {"items": [self._pod(name)] if name in self.pods else []}
        if url.path.startswith(PODS):
            return 200, self.pods[url.path.removeprefix(f"{PODS}/").removesuffix("-abcde/log")].log
        name = url.path.removeprefix(f"{JOBS}/")
        self._collect()
        if name not in self.pods:
            return failure(404, f'jobs.batch "{name}" not found')
        if method == "DELETE":
            assert json.loads(body)["propagationPolicy"] == "Foreground"
            self.pods[name].delete()
        return 200, self._job(name)

    def _create(self, manifest: dict[str, Any]) -> tuple[int, Any]:
        name, spec = manifest["metadata"]["name"], manifest["spec"]
        assert (spec["backoffLimit"], spec["template"]["spec"]["restartPolicy"]) == (0, "Never")
        assert len(name) <= 63
        if name in self.pods:
            return failure(409, f'jobs.batch "{name}" already exists')
        self.begun.append(name)
        self.pods[name] = _Pod(manifest)
        return 201, self._job(name)

    def _collect(self) -> None:
        for name in [name for name, pod in self.pods.items() if pod.deleted and pod.code is not None]:
            self.pods.pop(name).close()

    def _job(self, name: str) -> dict[str, Any]:
        pod = self.pods[name]
        condition = {0: "Complete", None: ""}.get(pod.code, "Failed")
        status = {"conditions": [{"type": condition, "status": "True"}]} if condition else {"active": 1}
        deleted = {"deletionTimestamp": "2026-01-01T00:00:00Z"} if pod.deleted else {}
        return {"metadata": {**pod.manifest["metadata"], "uid": f"uid-of-{name}", **deleted}, "status": status}

    def _pod(self, name: str) -> dict[str, Any]:
        return {"metadata": {"name": f"{name}-abcde"}, "status": self.pods[name].status()}


def failure(status: int, message: str) -> tuple[int, dict[str, Any]]:
    """Return a failure as the API tells it."""
    return status, {"kind": "Status", "status": "Failure", "message": message, "code": status}
