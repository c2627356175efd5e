"""Sends a mail to a server. Red Mail builds it, and is imported with the first one."""

import os
import smtplib
import ssl
import stat
from collections.abc import Mapping
from contextlib import closing, suppress
from email.message import EmailMessage
from typing import Final

from rocketd.core.dataclass import dataclass
from rocketd.mail.message import MailMessage
from rocketd.mail.queue import Envelope, MailRefused, PartlyAccepted

TIMEOUT: Final = 30.0
"""Seconds that the server may take for each reply."""
_MAX_PASSWORD: Final = 4096
_PERMANENT: Final = range(500, 600)
"""Replies that mean that the same mail will not be accepted later either (RFC 5321, 4.2.1)."""
_LOGIN_ERRORS: Final = (530, 534, 535, 538)
"""… but these concern the login (RFC 4954), which an administrator can correct."""


@dataclass(frozen=True, slots=True)
class RedmailSender:
    """A mail server, with the data to log in."""

    host: str
    port: int
    tls: str = "none"
    """none, starttls or tls."""
    username: str = ""
    password_file: str = ""
    name: str = "localhost"
    """The name of this host, for message ids."""

    def __call__(self, envelope: Envelope, mail: MailMessage) -> None:
        """Send one mail; raises MailRefused, PartlyAccepted, OSError (the base of smtplib's exceptions)."""
        message = build_message(envelope, mail, self.name)
        try:
            with closing(self._connect()) as server:
                refusals = server.send_message(message)
                with suppress(OSError):  # the server has the mail: an error now is no reason to send it again
                    server.quit()
        except smtplib.SMTPRecipientsRefused as error:
            raise _error_from_refusals(error) from error
        except smtplib.SMTPResponseException as error:
            raise self._error_from_reply(error) from error
        except ssl.SSLCertVerificationError as error:
            raise OSError(f"{self.host} is not trusted: {error.verify_message}") from error
        if refusals:
            raise _partly_accepted(refusals)

    def _connect(self) -> smtplib.SMTP:
        """Connect and log in; the server must authenticate itself before it gets a password."""
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

    def _error_from_reply(self, error: smtplib.SMTPResponseException) -> Exception:
        reply = _reply(error.smtp_code, error.smtp_error)
        if isinstance(error, smtplib.SMTPAuthenticationError) or error.smtp_code in _LOGIN_ERRORS:
            return OSError(f"{self.host} refuses the login as {self.username}: {reply}")
        return MailRefused(reply) if error.smtp_code in _PERMANENT else OSError(reply)

    def _password(self) -> str:
        if not self.password_file:
            return ""
        lines = _read(self.password_file).splitlines()
        if not lines:
            raise OSError(f"{self.password_file} is empty")
        return lines[0]


def build_message(envelope: Envelope, mail: MailMessage, name: str) -> EmailMessage:
    """Return the whole message of a mail; `name` is that of this host. Raises OSError without Red Mail."""
    try:
        from redmail import EmailSender  # noqa: PLC0415 - it loads a template engine: only for hosts that send mail
    except ImportError as error:  # the mail waits until it is installed
        raise OSError("Red Mail is not installed (pip install 'rocketd[mail]')") from error

    email = EmailSender("localhost", 25, domain=name)
    email.use_jinja = False  # the output of a task is not a template
    message: EmailMessage = email.get_message(
        subject=mail.subject,
        sender=envelope.sender,
        receivers=[*envelope.receivers],
        text=mail.text,
        html=mail.html,
        headers={"Auto-Submitted": "auto-generated"},  # RFC 3834: no automatic reply
    )
    return message


def _read(path: str) -> str:
    place = os.open(path, os.O_PATH | os.O_CLOEXEC)  # opens nothing: a pipe would block, a device may have effects
    try:
        if not stat.S_ISREG(os.fstat(place).st_mode):
            raise OSError(f"{path} is not a regular file")
        descriptor = os.open(f"/proc/self/fd/{place}", os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)  # not for a lease
        with open(descriptor, encoding="utf-8") as file:  # noqa: PTH123 - of a descriptor
            return file.read(_MAX_PASSWORD)
    finally:
        os.close(place)


def _error_from_refusals(error: smtplib.SMTPRecipientsRefused) -> Exception:
    replies = [_reply(code, text) for code, text in error.recipients.values()]
    hopeless = all(code in _PERMANENT for code, _ in error.recipients.values())
    return MailRefused("; ".join(replies)) if hopeless else OSError("; ".join(replies))


def _partly_accepted(refusals: Mapping[str, tuple[int, bytes]]) -> PartlyAccepted:
    refused, later = dict[str, str](), dict[str, str]()
    for receiver, (code, text) in refusals.items():
        (refused if code in _PERMANENT else later)[receiver] = _reply(code, text)
    return PartlyAccepted(refused, later)


def _reply(code: int, text: bytes | str) -> str:
    return f"{code} {text.decode(errors='replace') if isinstance(text, bytes) else text}"
