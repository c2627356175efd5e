"""Sends a mail by a program, sendmail(8): what msmtp, nullmailer, dma and every mail server of a host offer."""

from collections.abc import Sequence
from os import EX_DATAERR, EX_NOHOST, EX_NOUSER, EX_OK, EX_UNAVAILABLE
from typing import Final

from rocketd.core.dataclass import dataclass
from rocketd.mail.message import MailMessage
from rocketd.mail.program import RunProgram
from rocketd.mail.queue import Envelope, MailRefused
from rocketd.mail.redmail_sender import build_message

TIMEOUT: Final = 60.0
"""Seconds that the program may take."""
_MAX_REASON: Final = 500
_REFUSED: Final = frozenset({EX_DATAERR, EX_NOUSER, EX_NOHOST, EX_UNAVAILABLE})
"""Exit codes (sysexits.h) that mean that the same mail will not be accepted later either."""


@dataclass(frozen=True, slots=True)
class SendmailSender:
    """A program that takes a mail on its standard input, and its receivers from the header (`-t`)."""

    argv: Sequence[str]
    run: RunProgram
    name: str = "localhost"
    """The name of this host, for message ids."""

    def __call__(self, envelope: Envelope, mail: MailMessage) -> None:
        """Send one mail; raises MailRefused, OSError."""
        code, said = self.run(self.argv, build_message(envelope, mail, self.name).as_bytes(), TIMEOUT)
        if code == EX_OK:
            return
        said = said.strip()[-_MAX_REASON:]
        reason = f"{self.argv[0]} failed with exit code {code}" + (f": {said}" if said else "")
        raise MailRefused(reason) if code in _REFUSED else OSError(reason)
