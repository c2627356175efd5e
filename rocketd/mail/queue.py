"""Takes mail to the server, on a thread of its own: whoever posts a notice never waits.

What comes within a moment, or within `pause` after the last mail to the same receivers, is one digest. A server that is
away is tried again after longer and longer pauses; of what waits meanwhile only so much is kept, the rest is counted.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Protocol

from rocketd.background_threads import WorkerThread
from rocketd.core.backoff import Backoff
from rocketd.core.instant import SECOND, Duration
from rocketd.mail.message import MailMessage, Notice, letter

MOMENT: Final = 1.0
"""Seconds that a first notice waits for others: what fails together is told together."""
RETRY: Final = Backoff(1.0, 300.0)
"""Seconds between two tries at a server that does not answer."""
LONG: Final = 60.0
"""Seconds after which a mail that is under way is told to be stuck."""
KEPT: Final = 1_000
"""How many notices wait for one digest; the newest beyond that are only counted."""
GOODBYE: Final = 10.0
"""Seconds that the last mails may take when the daemon stops."""


class Envelope(NamedTuple):
    """Who a mail is from and to."""

    sender: str
    receivers: tuple[str, ...]


class MailRefused(Exception):
    """The server took the connection and will never take this mail: trying again is of no use."""


class PartlyAccepted(Exception):
    """The server took the mail, but not for all receivers. Of each of the others, what it said."""

    def __init__(self, refused: Mapping[str, str], later: Mapping[str, str]) -> None:
        super().__init__("; ".join([*refused.values(), *later.values()]))
        self.refused = refused
        self.later = later
        """Who may get it if it is tried again."""


class Sender(Protocol):
    """Takes one mail to the server. Blocks; raises Refused, TakenInPart, or whatever else is wrong for the moment."""

    def __call__(self, envelope: Envelope, letter: MailMessage) -> None: ...


class Told(Protocol):
    """Hears, on the postman's thread, why mail waits (empty: it no longer does), and what was given up."""

    def __call__(self, waits: str, given_up: str = "") -> None: ...


@dataclass(slots=True)
class _Mailbox:
    notices: list[Notice] = field(default_factory=list)
    left_out: int = 0
    not_before: float = 0.0
    tried_at: float = 0.0
    """Who was tried last comes last: a receiver whose mail is never taken must not keep the others from theirs."""


class MailQueue:
    """Collects notices, and sends them as mail."""

    def __init__(self, send: Sender, told: Told, host: str, pause: Duration, *, moment: float = MOMENT) -> None:
        """`pause` is the least time between two mails to the same receivers."""
        self._send = send
        self._told = told
        self._host = host
        self._pause = pause / SECOND
        self._moment = moment
        self._boxes: dict[Envelope, _Mailbox] = {}
        self._closed_at = 0.0
        self._try_at = 0.0
        self._retry_pause = 0.0
        self._flying = 0
        self._flying_since: float | None = None
        self._thread = WorkerThread("mail", self._run)
        self._thread.start()

    def post(self, envelope: Envelope, *notices: Notice, left_out: int = 0) -> None:
        """Have somebody written to about these, and about so many more of which no more is known."""
        with self._thread.changing():
            box = self._boxes.setdefault(envelope, _Mailbox())
            if not box.notices:
                box.not_before = max(box.not_before, time.monotonic() + self._moment)
            room = KEPT - len(box.notices)
            box.notices += notices[:room]
            box.left_out += left_out + len(notices[room:])

    @property
    def waiting(self) -> int:
        """How many notices have not been sent."""
        with self._thread.locked():
            return self._flying + sum(len(box.notices) + box.left_out for box in self._boxes.values())

    @property
    def stuck(self) -> bool:
        """Whether one mail has been under way for long: a server, a name or a password file does not answer."""
        since = self._flying_since
        return since is not None and time.monotonic() - since >= LONG

    def close(self) -> int:
        """Send at once what waits, for a while; says how much of it was not sent."""
        with self._thread.locked():
            self._closed_at = time.monotonic()
        self._thread.close(GOODBYE)
        return self.waiting

    def leave(self, to: "MailQueue", addressed: Callable[[Envelope], Envelope]) -> None:
        """Give another postman what was not sent, addressed anew; after `close`."""
        with self._thread.locked():
            boxes, self._boxes = self._boxes, {}
        for envelope, box in boxes.items():
            if box.notices:
                to.post(addressed(envelope), *box.notices, left_out=box.left_out)

    # -- on its thread ----------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while envelope := self._take():
            self._deliver(envelope)

    def _take(self) -> Envelope | None:
        """Wait until some mail is due; None: it is time to end."""
        with self._thread.locked():
            while True:
                due = min(self._due(), default=None)
                if self._closed_at:
                    return next((to for _, tried, to in self._due() if tried < self._closed_at), None)
                left = None if due is None else due[0] - time.monotonic()
                if due and left is not None and left <= 0:
                    return due[-1]
                self._thread.wait(left)

    def _due(self) -> list[tuple[float, float, Envelope]]:
        boxes = self._boxes.items()
        return [(max(box.not_before, self._try_at), box.tried_at, to) for to, box in boxes if box.notices]

    def _deliver(self, envelope: Envelope) -> None:
        with self._thread.locked():
            box = self._boxes[envelope]
            notices, left_out = box.notices, box.left_out
            box.notices, box.left_out, self._flying = [], 0, len(notices) + left_out
        self._flying_since = time.monotonic()
        try:
            self._send(envelope, letter(notices, self._host, left_out))
        except MailRefused as error:
            self._told("", _refused(envelope.receivers, str(error)))
        except PartlyAccepted as error:
            if error.refused:
                self._told("", _refused(error.refused, "; ".join(error.refused.values())))
            if error.later:
                left = envelope._replace(receivers=tuple(error.later))
                self._failed("; ".join(error.later.values()), left, notices, left_out)
                return
        except Exception as error:  # noqa: BLE001 - the network, the server, the password file, a library
            self._failed(str(error) or type(error).__name__, envelope, notices, left_out)
            return
        else:
            if self._retry_pause:
                self._told("")
        finally:
            self._flying_since = None
        with self._thread.locked():
            self._retry_pause, self._flying = 0.0, 0
            box.not_before = time.monotonic() + self._pause

    def _failed(self, why: str, envelope: Envelope, notices: list[Notice], left_out: int) -> None:
        """Put them back in front of what has come meanwhile."""
        with self._thread.locked():
            box = self._boxes.setdefault(envelope, _Mailbox())
            whole = [*notices, *box.notices]
            box.notices = whole[:KEPT]
            box.left_out += left_out + len(whole[KEPT:])
            box.tried_at = time.monotonic()
            self._flying = 0
            self._retry_pause = RETRY.after(self._retry_pause)
            self._try_at = time.monotonic() + self._retry_pause
        self._told(why)


def _refused(receivers: Iterable[str], why: str) -> str:
    return f"mail to {', '.join(receivers)} is refused: {why}"
