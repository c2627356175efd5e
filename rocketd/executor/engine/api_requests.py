"""Requests to the API of a cluster: JSON over HTTP, with the token of a service account. Blocks.

The token is read from its file for each request, so it may be replaced at any time. It is in no error and in no log.
"""

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from rocketd.core.dataclass import dataclass
from rocketd.core.model.engine import Kubernetes
from rocketd.core.model.secret import Secret

if TYPE_CHECKING:
    import urllib3

_CONNECT: Final = 10.0
"""Seconds for a connection; an answer may take longer."""
_READ: Final = 40.0
_MOST: Final = 8 * 1024**2
"""Bytes of an answer that are read: those of a log are the most."""


class NoApiAnswer(Exception):
    """There is no answer, or none that can be read: what was asked for may have been done."""


@dataclass(frozen=True, slots=True)
class ApiAnswer:
    """What the API says."""

    status: int
    content: bytes

    @property
    def body(self) -> Mapping[str, Any]:
        """The JSON object; empty if it is none."""
        try:
            found = json.loads(self.content)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}


class ApiRequests:
    """Sends requests, from any thread, and keeps connections."""

    def __init__(self, read_token: Callable[[Secret], str]) -> None:
        """`read_token` reads a token from its place; raises OSError."""
        self._read_token = read_token
        self._pools: dict[str, urllib3.PoolManager] = {}

    def send(self, cluster: Kubernetes, method: str, path: str, body: object = None) -> ApiAnswer:
        """Send a request; raises NoApiAnswer."""
        try:
            import urllib3  # noqa: PLC0415 - a package of its own, which few hosts need
        except ImportError:
            raise NoApiAnswer("the Python package urllib3 is missing") from None
        headers = {"Accept": "application/json, */*", "User-Agent": "rocketd"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        try:
            if cluster.token != Secret():
                headers["Authorization"] = f"Bearer {self._read_token(cluster.token)}"
            content = None if body is None else json.dumps(body).encode()
            url = cluster.server.rstrip("/") + path
            answer = self._pool(cluster.ca_file).request(
                method, url, body=content, headers=headers, redirect=False, preload_content=False
            )
            try:
                return ApiAnswer(answer.status, answer.read(_MOST))
            finally:
                answer.release_conn()
        except urllib3.exceptions.HTTPError as error:
            raise NoApiAnswer(f"{cluster.server} does not answer: {type(error).__name__}") from None
        except (OSError, ValueError) as error:
            raise NoApiAnswer(str(error)) from None

    def _pool(self, ca_file: str) -> "urllib3.PoolManager":
        import ssl  # noqa: PLC0415 - as above

        import urllib3  # noqa: PLC0415 - as above

        if ca_file not in self._pools:
            context = ssl.create_default_context(cafile=ca_file or None)
            timeout = urllib3.Timeout(connect=_CONNECT, read=_READ)
            self._pools[ca_file] = urllib3.PoolManager(ssl_context=context, timeout=timeout, retries=False)
        return self._pools[ca_file]
