"""Sends mail on a thread of its own: posting a notice never blocks.

Notices that arrive within `COLLECT_TIME`, or within `pause` after the last mail to the same receivers, become one
digest. If the server cannot be reached, it is tried again with exponential backoff; the number of notices that wait
meanwhile is bounded, further ones are only counted.

With a pause of 10 min, and notices to the same receivers:

10:00:00  a fails    10:00:01  mail about a
10:00:30  b fails    10:10:01  a digest of b and c
10:05:00  c fails
"""

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Final, NamedTuple, Protocol

from rocketd.background_threads import WorkerThread
from rocketd.core.backoff import Backoff
from rocketd.core.dataclass import dataclass, field
from rocketd.core.instant import SECOND, Duration
from rocketd.mail.message import MailMessage, Notice, compose

COLLECT_TIME: Final = 1.0
"""Seconds for which a first notice waits for others: what fails at the same time is sent in one mail."""
RETRY: Final = Backoff(1.0, 300.0)
"""Seconds between two attempts at a server that cannot be reached."""
STUCK_AFTER: Final = 60.0
"""Seconds after which a mail that is being sent counts as stuck."""
MAX_NOTICES: Final = 1_000
"""The most notices that wait for one digest; newer ones are only counted."""
CLOSE_TIMEOUT: Final = 10.0
"""Seconds for the last mails when the daemon stops."""


class Envelope(NamedTuple):
    """The sender and the receivers of a mail."""

    sender: str
    receivers: tuple[str, ...]


class MailRefused(Exception):
    """The server refused this mail permanently: trying again is useless."""


class PartlyAccepted(Exception):
    """The server accepted the mail, but not for all receivers; `refused` and `later` map the others to its replies."""

    def __init__(self, refused: Mapping[str, str], later: Mapping[str, str]) -> None:
        super().__init__("; ".join([*refused.values(), *later.values()]))
        self.refused = refused
        self.later = later
        """The receivers for whom it may be accepted later."""


class Sender(Protocol):
    """Sends one mail. Blocks; raises MailRefused, PartlyAccepted, or any other exception for a temporary failure."""

    def __call__(self, envelope: Envelope, mail: MailMessage) -> None: ...


class DeliveryReport(Protocol):
    """Called on the queue's thread with the reason why mail waits (empty: it no longer does), and what was given up."""

    def __call__(self, waits: str, given_up: str = "") -> None: ...


@dataclass(slots=True)
class _Mailbox:
    notices: list[Notice] = field(default_factory=list)
    dropped: int = 0
    not_before: float = 0.0
    tried_at: float = 0.0
    """The last attempt: the mailbox that was tried last comes last, so that a failing one does not delay others."""


class MailQueue:
    """Collects notices, and sends them as mail."""

    def __init__(
        self, send: Sender, report: DeliveryReport, host: str, pause: Duration, *, collect_time: float = COLLECT_TIME
    ) -> None:
        """`pause` is the minimum time between two mails to the same receivers; `host` is named in every mail."""
        self._send = send
        self._report = report
        self._host = host
        self._pause = pause / SECOND
        self._collect_time = collect_time
        self._boxes: dict[Envelope, _Mailbox] = {}
        self._closed_at = 0.0
        self._try_at = 0.0
        self._retry_pause = 0.0
        self._in_transit = 0
        self._sending_since: float | None = None
        self._thread = WorkerThread("mail", self._run)
        self._thread.start()

    def post(self, envelope: Envelope, *notices: Notice, dropped: int = 0) -> None:
        """Queue notices for these receivers, and a number of `dropped` ones that are only counted."""
        with self._thread.changing():
            box = self._boxes.setdefault(envelope, _Mailbox())
            if not box.notices:
                box.not_before = max(box.not_before, time.monotonic() + self._collect_time)
            room = MAX_NOTICES - len(box.notices)
            box.notices += notices[:room]
            box.dropped += dropped + len(notices[room:])
        for notice in notices[room:]:  # which the digest only counts
            notice.done()

    @property
    def waiting(self) -> int:
        """The number of notices that have not been sent."""
        with self._thread.locked():
            return self._in_transit + sum(len(box.notices) + box.dropped for box in self._boxes.values())

    @property
    def stuck(self) -> bool:
        """Whether a mail has been in transit for long: a server, a name service or a file does not respond."""
        since = self._sending_since
        return since is not None and time.monotonic() - since >= STUCK_AFTER

    def close(self) -> int:
        """Send what waits at once, for CLOSE_TIMEOUT at most; return the number of notices that were not sent."""
        with self._thread.locked():
            self._closed_at = time.monotonic()
        self._thread.close(CLOSE_TIMEOUT)
        return self.waiting

    def transfer(self, to: "MailQueue", readdress: Callable[[Envelope], Envelope]) -> None:
        """Move unsent notices to another queue, with new envelopes; call it after `close`."""
        with self._thread.locked():
            boxes, self._boxes = self._boxes, {}
        for envelope, box in boxes.items():
            if box.notices:
                to.post(readdress(envelope), *box.notices, dropped=box.dropped)

    # -- on its thread ----------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while envelope := self._next_envelope():
            self._deliver(envelope)

    def _next_envelope(self) -> Envelope | None:
        """Wait until a mail is due, and return its envelope; None: the queue is closed."""
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
            notices, dropped = box.notices, box.dropped
            box.notices, box.dropped, self._in_transit = [], 0, len(notices) + dropped
        self._sending_since = time.monotonic()
        try:
            self._send(envelope, compose(notices, self._host, dropped))
        except MailRefused as error:
            self._report("", _refused(envelope.receivers, str(error)))
        except PartlyAccepted as error:
            if error.refused:
                self._report("", _refused(error.refused, "; ".join(error.refused.values())))
            if error.later:
                left = envelope._replace(receivers=tuple(error.later))
                self._requeue("; ".join(error.later.values()), left, notices, dropped)
                return
        except Exception as error:  # noqa: BLE001 - the network, the server, the password file, a library
            self._requeue(str(error) or type(error).__name__, envelope, notices, dropped)
            return
        else:
            if self._retry_pause:
                self._report("")
        finally:
            self._sending_since = None
        with self._thread.locked():
            self._retry_pause, self._in_transit = 0.0, 0
            box.not_before = time.monotonic() + self._pause
        for notice in notices:
            notice.done()

    def _requeue(self, why: str, envelope: Envelope, notices: list[Notice], dropped: int) -> None:
        """Put these notices back, before those that have arrived in the meantime."""
        with self._thread.locked():
            box = self._boxes.setdefault(envelope, _Mailbox())
            whole = [*notices, *box.notices]
            box.notices = whole[:MAX_NOTICES]
            box.dropped += dropped + len(whole[MAX_NOTICES:])
            box.tried_at = time.monotonic()
            self._in_transit = 0
            self._retry_pause = RETRY.after(self._retry_pause)
            self._try_at = time.monotonic() + self._retry_pause
        self._report(why)


def _refused(receivers: Iterable[str], why: str) -> str:
    return f"mail to {', '.join(receivers)} was refused: {why}"
