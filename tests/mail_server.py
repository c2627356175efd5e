"""A real mail server on loopback, and what it got."""

import socket
from asyncio import Server
from collections.abc import Coroutine
from email import message_from_bytes, policy
from email.message import EmailMessage
from queue import Queue
from types import TracebackType
from typing import Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

PATIENCE = 30.0


class _OnSocket(Controller):
    """Listens on a socket that is bound already."""

    def __init__(self, handler: object, bound: socket.socket) -> None:
        host, port = bound.getsockname()
        super().__init__(handler, hostname=host, port=port)
        self._bound = bound

    def _create_server(self) -> Coroutine[object, object, Server]:
        return self.loop.create_server(self._factory_invoker, sock=self._bound)


class MailServer:
    """Takes mail between `start` and its end; before, its port refuses. `reply` is what it says to each mail."""

    def __init__(self) -> None:
        self.mails: Queue[EmailMessage] = Queue()
        self.receivers: list[list[str]] = []
        self.reply = "250 taken"
        self._bound = socket.socket()
        self._bound.bind(("127.0.0.1", 0))
        self.port: int = self._bound.getsockname()[1]
        self._controller: Controller | None = None

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: ARG002, N802 - aiosmtpd's
        """Take one mail."""
        if self.reply.startswith("250"):
            self.receivers.append(envelope.rcpt_tos)
            assert isinstance(envelope.content, bytes)
            mail = message_from_bytes(envelope.content, policy=policy.default)
            assert isinstance(mail, EmailMessage)
            self.mails.put(mail)
        return self.reply

    def start(self) -> Self:
        """Take mail from now on."""
        self._controller = _OnSocket(self, self._bound)
        self._controller.start()
        return self

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
