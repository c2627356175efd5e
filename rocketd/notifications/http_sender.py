"""Sends one HTTP request. urllib3 does it, and is imported with the first one, as TLS is."""

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import quote, unquote, urlsplit

from rocketd import __version__
from rocketd.core.model.secret import Secret, origin_of
from rocketd.core.notifications.http_settings import HttpSettings
from rocketd.core.notifications.ping import UrlSuffix

if TYPE_CHECKING:
    import urllib3

TIMEOUT: Final = 10.0
"""Seconds for the connection, and for each part of the answer."""
MAX_ANSWER: Final = 4_096
"""Bytes of an answer that are read, so that its connection can be used again."""
MAX_SECRET: Final = 4_096
MAX_RETRY_AFTER: Final = 3_600.0
"""Seconds that a server may ask to be left alone for."""
_LATER: Final = frozenset({401, 403, 407, 408, 425, 429})
"""Errors of the client that pass, or that an administrator can correct."""
_DIGITS: Final = 6


class HttpRequest(NamedTuple):
    """A request; the URL and the values of headers may be secret."""

    url: Secret
    suffix: UrlSuffix
    body: bytes
    headers: tuple[tuple[str, Secret], ...] = ()
    method: str = "POST"
    task: str = ""
    """What `{task}` stands for in the URL."""


class RequestRefused(Exception):
    """The server refuses this request for good: trying again is useless."""


class ServerBusy(Exception):
    """The server answered that it cannot take the request now."""

    def __init__(self, why: str, retry_after: float = 0.0) -> None:
        super().__init__(why)
        self.retry_after = retry_after
        """Seconds after which it may be tried again; 0: it did not say."""


class HttpSender:
    """Sends requests, over connections that are kept; several threads may use it. Blocks."""

    def __init__(self, settings: HttpSettings) -> None:
        self._settings = settings
        self._pools: dict[str, urllib3.PoolManager] = {}

    def __call__(self, request: HttpRequest) -> None:
        """Send it; raises RequestRefused, ServerBusy, and OSError for what is wrong on the way or on this host."""
        try:
            import urllib3  # noqa: PLC0415 - a host that sends nothing needs none of it
        except ImportError as error:
            raise OSError("urllib3 is not installed (pip install 'rocketd[http]')") from error
        url = request.suffix.added_to(read_secret(request.url).replace("{task}", quote(request.task, safe="")))
        headers = {"User-Agent": f"rocketd/{__version__}"} | {name: read_secret(text) for name, text in request.headers}
        try:
            pool = self._pool(url)
            answer = pool.request(
                request.method, url, body=request.body, headers=headers, redirect=False, preload_content=False
            )
            try:
                answer.read(MAX_ANSWER)
            finally:
                answer.release_conn()
        except urllib3.exceptions.HTTPError as error:
            raise OSError(_reason(error)) from None  # whose text may have the URL in it
        except ValueError:
            raise RequestRefused("this is not a URL") from None
        _check(answer.status, answer.headers)

    def _pool(self, url: str) -> "urllib3.PoolManager":
        import ssl  # noqa: PLC0415 - as above

        import urllib3  # noqa: PLC0415 - as above

        proxy = self._settings.proxy or _proxy_for(url)
        if proxy not in self._pools:
            context = ssl.create_default_context(cafile=self._settings.ca_file or None)
            timeout = urllib3.Timeout(connect=TIMEOUT, read=TIMEOUT)
            if proxy:
                user = urlsplit(proxy)
                login = f"{unquote(user.username)}:{unquote(user.password or '')}" if user.username else None
                self._pools[proxy] = urllib3.ProxyManager(
                    proxy, ssl_context=context, timeout=timeout, retries=False,
                    proxy_headers=urllib3.make_headers(proxy_basic_auth=login),
                )  # fmt: skip
            else:
                self._pools[proxy] = urllib3.PoolManager(ssl_context=context, timeout=timeout, retries=False)
        return self._pools[proxy]


def read_secret(secret: Secret) -> str:
    """Return its text; raises OSError."""
    if secret.text:
        return secret.text
    if secret.file:
        path = secret.file
    else:
        directory = os.environ.get("CREDENTIALS_DIRECTORY")
        if not directory:
            raise OSError(f"the service has no credentials, and none that is called {secret.credential}")
        path = str(Path(directory, secret.credential))
    lines = _read(path).splitlines()
    if not lines or not lines[0].strip():
        raise OSError(f"{path} is empty")
    return lines[0].strip()


def _read(path: str) -> str:
    place = os.open(path, os.O_PATH | os.O_CLOEXEC)  # opens nothing: a pipe would block, a device may have effects
    try:
        if not stat.S_ISREG(os.fstat(place).st_mode):
            raise OSError(f"{path} is not a regular file")
        descriptor = os.open(f"/proc/self/fd/{place}", os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)  # not for a lease
        with open(descriptor, encoding="utf-8", errors="replace") as file:  # noqa: PTH123 - of a descriptor
            return file.read(MAX_SECRET)
    finally:
        os.close(place)


def _proxy_for(url: str) -> str:
    from urllib.request import getproxies, proxy_bypass  # noqa: PLC0415 - as above

    parts = urlsplit(url)
    if parts.hostname is None or proxy_bypass(parts.hostname):
        return ""
    return getproxies().get(parts.scheme, "")


def _check(status: int, headers: Mapping[str, str]) -> None:
    if status < 300:  # noqa: PLR2004 - the class of answers that are good (RFC 9110, 15)
        return
    if 300 <= status < 400:  # noqa: PLR2004 - as above
        raise RequestRefused(
            f"the server answers {status}: it wants another URL, {_place(headers.get('Location', ''))}"
        )
    if status < 500 and status not in _LATER:  # noqa: PLR2004 - as above
        raise RequestRefused(f"the server answers {status}")
    after = headers.get("Retry-After", "").strip()
    seconds = float(after) if after.isdecimal() and len(after) <= _DIGITS else 0.0
    raise ServerBusy(f"the server answers {status}", min(seconds, MAX_RETRY_AFTER))


def _place(url: str) -> str:
    return f"on {origin_of(url)}" if origin_of(url) else "of its own"


def _reason(error: Exception) -> str:
    """Return what went wrong, without a URL: of errors that wrap others, the innermost."""
    import ssl  # noqa: PLC0415 - as above

    inner: BaseException = error
    for _ in range(8):
        cause = getattr(inner, "reason", None) or inner.__cause__ or inner.__context__
        if not isinstance(cause, BaseException):
            break
        inner = cause
    if isinstance(inner, ssl.SSLCertVerificationError):
        return f"the server is not trusted: {inner.verify_message}"
    if isinstance(inner, OSError) and inner.strerror:
        return inner.strerror
    if isinstance(inner, TimeoutError) or "Timeout" in type(inner).__name__:
        return "it does not answer"
    return type(inner).__name__
