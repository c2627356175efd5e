"""One mail to one server, by Red Mail, which is imported with the first mail."""

import smtplib
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rocketd.mail.letter import Letter
from rocketd.mail.postman import Envelope, Refused

TIMEOUT: Final = 30.0
"""Seconds that the server may take for each answer."""
_NEVER: Final = range(500, 600)
"""Replies that mean that the same mail will not be taken later either (RFC 5321, 4.2.1)."""
_LOGIN: Final = (530, 534, 535, 538)
"""… but these are about the login (RFC 4954), which an administrator mends."""


@dataclass(frozen=True, slots=True)
class Server:
    """A mail server, and how to log in there."""

    host: str
    port: int
    tls: str = "none"
    """none, starttls or tls."""
    username: str = ""
    password_file: str = ""
    name: str = "localhost"
    """Of this host: in message ids."""

    def __call__(self, envelope: Envelope, letter: Letter) -> None:
        """Send one mail; raises Refused, OSError, smtplib.SMTPException."""
        from redmail import EmailSender  # noqa: PLC0415 - it brings a template language: not for hosts that send no mail

        context = {"context": ssl.create_default_context()} if self.tls == "tls" else {}
        email = EmailSender(
            self.host,
            self.port,
            username=self.username or None,
            password=self._password(),
            cls_smtp=smtplib.SMTP_SSL if self.tls == "tls" else _Smtp,
            use_starttls=self.tls == "starttls",
            domain=self.name,
            timeout=TIMEOUT,
            **context,
        )
        email.use_jinja = False  # what a task printed is no template
        try:
            email.send(
                subject=letter.subject,
                sender=envelope.sender,
                receivers=[*envelope.receivers],
                text=letter.text,
                html=letter.html,
                headers={"Auto-Submitted": "auto-generated"},  # RFC 3834: nobody's holiday answers it
            )
        except smtplib.SMTPRecipientsRefused as error:
            raise _told_of(error) from error
        except smtplib.SMTPResponseException as error:
            if error.smtp_code in _NEVER and error.smtp_code not in _LOGIN:
                raise Refused(_reply(error.smtp_code, error.smtp_error)) from error
            raise

    def _password(self) -> str | None:
        if not self.password_file:
            return None
        return Path(self.password_file).read_text(encoding="utf-8").splitlines()[0]


class _Smtp(smtplib.SMTP):
    """As the standard one, but the server must prove who it is before it gets a password."""

    def starttls(self, **_: object) -> tuple[int, bytes]:  # type: ignore[override]  # Red Mail gives no arguments
        return super().starttls(context=ssl.create_default_context())


def _told_of(error: smtplib.SMTPRecipientsRefused) -> Exception:
    replies = [_reply(code, text) for code, text in error.recipients.values()]
    hopeless = all(code in _NEVER for code, _ in error.recipients.values())
    return Refused("; ".join(replies)) if hopeless else OSError("; ".join(replies))


def _reply(code: int, text: bytes | str) -> str:
    return f"{code} {text.decode(errors='replace') if isinstance(text, bytes) else text}"
