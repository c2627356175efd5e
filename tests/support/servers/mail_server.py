"""A real mail server on loopback, and what it got; with a certificate and logins, if it is to have them."""

import socket
import ssl
import subprocess
from asyncio import Server, WriteTransport
from collections.abc import Coroutine
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from queue import Queue
from types import TracebackType
from typing import Literal, NamedTuple, Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

PATIENCE = 30.0


class Certificate(NamedTuple):
    """What a server proves itself with, made for this very test."""

    file: Path
    key: Path

    @classmethod
    def made(cls, directory: Path) -> Self:
        """Make one for 127.0.0.1; whoever is to believe it has its file as SSL_CERT_FILE."""
        made = cls(directory / "server.crt", directory / "server.key")
        command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        command += ["-subj", "/CN=mail", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2"]
        command += ["-out", str(made.file), "-keyout", str(made.key)]
        subprocess.run(command, check=True, capture_output=True)
        return made

    @property
    def context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.file, self.key)
        return context


class _OnSocket(Controller):
    """Listens on a socket that is bound already."""

    def __init__(self, handler: object, bound: socket.socket, **options: object) -> None:
        host, port = bound.getsockname()
        super().__init__(handler, hostname=host, port=port, **options)  # type: ignore[arg-type]  # SMTP's own
        self._bound = bound

    def _create_server(self) -> Coroutine[object, object, Server]:
        return self.loop.create_server(self._factory_invoker, sock=self._bound, ssl=self.ssl_context)


class MailServer:
    """Takes mail between `start` and its end; before, its port refuses. `reply` is what it says to each mail."""

    def __init__(
        self, certificate: Certificate | None = None, tls: Literal["none", "starttls", "tls"] = "none"
    ) -> None:
        """With a certificate it demands this kind of TLS and a login that is in `logins`."""
        self.logins: dict[str, str] = {}
        self.refusals: dict[str, list[str]] = {}
        """What it says first to mail for these receivers."""
        self.hangs_up = False
        """Whether it has gone when it is told goodbye."""
        self._certificate = certificate
        self._tls = tls
        self.mails: Queue[EmailMessage] = Queue()
        self.receivers: list[list[str]] = []
        self.reply = "250 taken"
        self._bound = socket.socket()
        self._bound.bind(("127.0.0.1", 0))
        self.port: int = self._bound.getsockname()[1]
        self._controller: Controller | None = None

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's
        self, _: SMTP, __: Session, envelope: Envelope, address: str, ___: list[str]
    ) -> str:
        """Take one receiver."""
        if self.refusals.get(address):
            return self.refusals[address].pop(0)
        envelope.rcpt_tos.append(address)
        return "250 taken"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: ARG002, N802 - aiosmtpd's
        """Take one mail."""
        if self.reply.startswith("250"):
            self.receivers.append(envelope.rcpt_tos)
            assert isinstance(envelope.content, bytes)
            mail = message_from_bytes(envelope.content, policy=policy.default)
            assert isinstance(mail, EmailMessage)
            self.mails.put(mail)
        return self.reply

    async def handle_QUIT(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: ARG002, N802 - aiosmtpd's
        """Hear a goodbye."""
        if self.hangs_up:
            assert isinstance(server.transport, WriteTransport)
            server.transport.abort()
        return "221 Bye"

    def start(self) -> Self:
        """Take mail from now on."""
        self._controller = _OnSocket(self, self._bound, **self._options())
        self._controller.start()
        return self

    def _options(self) -> dict[str, object]:
        if self._certificate is None:
            return {}
        login = {"authenticator": self._is_login, "auth_required": True}
        if self._tls == "tls":
            return login | {"ssl_context": self._certificate.context, "auth_require_tls": False}
        return login | {"tls_context": self._certificate.context, "require_starttls": True}

    def _is_login(self, *asked: object) -> AuthResult:
        """Say whether a login is good: aiosmtpd's authenticator, whose last argument is what was given."""
        given = asked[-1]
        assert isinstance(given, LoginPassword)
        return AuthResult(success=self.logins.get(given.login.decode()) == given.password.decode(), handled=False)

    def next(self) -> EmailMessage:
        """Wait for the next mail."""
        return self.mails.get(timeout=PATIENCE)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._controller:
            self._controller.stop()
        self._bound.close()


def text_of(mail: EmailMessage) -> str:
    """Its plain text."""
    body = mail.get_body(("plain",))
    assert body is not None
    text: str = body.get_content()
    return text.replace("\r\n", "\n")


def html_of(mail: EmailMessage) -> str:
    """Its HTML."""
    body = mail.get_body(("html",))
    assert body is not None
    text: str = body.get_content()
    return text.replace("\r\n", "\n")
