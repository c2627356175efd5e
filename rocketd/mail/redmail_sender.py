"""One mail to one server: Red Mail makes it, and is imported with the first one."""

import os
import smtplib
import ssl
import stat
from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Final

from rocketd.mail.message import MailMessage
from rocketd.mail.queue import Envelope, MailRefused, PartlyAccepted

TIMEOUT: Final = 30.0
"""Seconds that the server may take for each answer."""
_LONGEST_PASSWORD: Final = 4096
_NEVER: Final = range(500, 600)
"""Replies that mean that the same mail will not be taken later either (RFC 5321, 4.2.1)."""
_LOGIN: Final = (530, 534, 535, 538)
"""… but these are about the login (RFC 4954), which an administrator mends."""


@dataclass(frozen=True, slots=True)
class RedmailSender:
    """A mail server, and how to log in there."""

    host: str
    port: int
    tls: str = "none"
    """none, starttls or tls."""
    username: str = ""
    password_file: str = ""
    name: str = "localhost"
    """Of this host: in message ids."""

    def __call__(self, envelope: Envelope, letter: MailMessage) -> None:
        """Send one mail; raises Refused, TakenInPart, OSError (smtplib's exceptions are of that kind)."""
        message = self._message(envelope, letter)
        try:
            with closing(self._connected()) as server:
                left = server.send_message(message)
                with suppress(OSError):  # it has the mail: what goes wrong now is no reason to send it again
                    server.quit()
        except smtplib.SMTPRecipientsRefused as error:
            raise _told_of(error) from error
        except smtplib.SMTPResponseException as error:
            raise self._told_of_reply(error) from error
        except ssl.SSLCertVerificationError as error:
            raise OSError(f"{self.host} is not trusted: {error.verify_message}") from error
        if left:
            raise _taken_in_part(left)

    def _message(self, envelope: Envelope, letter: MailMessage) -> EmailMessage:
        from redmail import EmailSender  # noqa: PLC0415 - it brings a template language: not for hosts that send no mail

        email = EmailSender(self.host, self.port, domain=self.name)
        email.use_jinja = False  # what a task printed is no template
        message: EmailMessage = email.get_message(
            subject=letter.subject,
            sender=envelope.sender,
            receivers=[*envelope.receivers],
            text=letter.text,
            html=letter.html,
            headers={"Auto-Submitted": "auto-generated"},  # RFC 3834: nobody's holiday answers it
        )
        return message

    def _connected(self) -> smtplib.SMTP:
        """Connect; the server must prove who it is before it gets a password."""
        if self.tls == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                self.host, self.port, timeout=TIMEOUT, context=ssl.create_default_context()
            )
        else:
            server = smtplib.SMTP(self.host, self.port, timeout=TIMEOUT)
        try:
            if self.tls == "starttls":
                server.starttls(context=ssl.create_default_context())
            if self.username:
                server.login(self.username, self._password())
        except BaseException:
            server.close()
            raise
        return server

    def _told_of_reply(self, error: smtplib.SMTPResponseException) -> Exception:
        reply = _reply(error.smtp_code, error.smtp_error)
        if isinstance(error, smtplib.SMTPAuthenticationError) or error.smtp_code in _LOGIN:
            return OSError(f"{self.host} does not take the login as {self.username}: {reply}")
        return MailRefused(reply) if error.smtp_code in _NEVER else OSError(reply)

    def _password(self) -> str:
        if not self.password_file:
            return ""
        lines = _read(self.password_file).splitlines()
        if not lines:
            raise OSError(f"{self.password_file} is empty")
        return lines[0]


def _read(path: str) -> str:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)  # a pipe in its place must not hang us
    with open(descriptor, encoding="utf-8") as file:  # noqa: PTH123 - of a descriptor
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(f"{path} is not a regular file")
        return file.read(_LONGEST_PASSWORD)


def _told_of(error: smtplib.SMTPRecipientsRefused) -> Exception:
    replies = [_reply(code, text) for code, text in error.recipients.values()]
    hopeless = all(code in _NEVER for code, _ in error.recipients.values())
    return MailRefused("; ".join(replies)) if hopeless else OSError("; ".join(replies))


def _taken_in_part(left: Mapping[str, tuple[int, bytes]]) -> PartlyAccepted:
    replies = {to: (code in _NEVER, _reply(code, text)) for to, (code, text) in left.items()}
    refused = {to: reply for to, (never, reply) in replies.items() if never}
    return PartlyAccepted(refused, {to: reply for to, (never, reply) in replies.items() if not never})


def _reply(code: int, text: bytes | str) -> str:
    return f"{code} {text.decode(errors='replace') if isinstance(text, bytes) else text}"
