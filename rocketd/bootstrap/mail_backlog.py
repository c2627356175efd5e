"""Mail that a stop could not send: kept in the state directory, and sent by the next daemon.

A line for each notice: the event in the words of the spool, and what was known of the task then. It stays until all of
it was sent: if the daemon dies in between, some mail is sent twice rather than none.
"""

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Final, NamedTuple

from rocketd.core.model.events import Finished, Missed
from rocketd.mail.message import Notice
from rocketd.mail.queue import Envelope
from rocketd.store.spool_line import UnreadableLine, format_line, parse_line
from rocketd.time_zones import named_zone

FILE_NAME: Final = "mail.jsonl"
_LONGEST: Final = 64 * 1024 * 1024
"""Bytes that are read: what is longer was never written here."""


class PendingMail(NamedTuple):
    """A notice, or so many of which no more is known, and whom to write to about it."""

    envelope: Envelope
    notices: tuple[Notice, ...]
    left_out: int = 0


def save_mail(directory: Path, unsent: Iterable[PendingMail]) -> None:
    """Keep it, durably; raises OSError. With none, the file goes."""
    path = directory / FILE_NAME
    text = "".join(f"{json.dumps(_values(mail))}\n" for mail in unsent)
    if not text:
        path.unlink(missing_ok=True)
        return
    part = path.with_name(f"{FILE_NAME}.part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o640)
    with open(descriptor, "w", encoding="utf-8") as file:  # noqa: PTH123 - it is open already
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def load_mail(directory: Path) -> list[PendingMail]:
    """Read what is kept; lines that cannot be read are passed over. Raises OSError."""
    path = directory / FILE_NAME
    if not path.is_file():
        return []
    with path.open("rb") as file:
        return list(_read(file.read(_LONGEST).splitlines()))


def _read(lines: Iterable[bytes]) -> Iterator[PendingMail]:
    for line in lines:
        with suppress(ValueError, KeyError, TypeError, AttributeError, RecursionError):
            yield _mail(json.loads(line))


def _values(mail: PendingMail) -> dict[str, object]:
    return {
        "sender": mail.envelope.sender,
        "receivers": list(mail.envelope.receivers),
        "left_out": mail.left_out,
        "notices": [
            {
                "event": format_line([notice.event]).decode(),
                "next": notice.next,
                "zone": str(notice.zone),
                "description": notice.description,
                "next_if": notice.next_if,
                "now_if": notice.now_if,
            }
            for notice in mail.notices
        ],
    }


def _mail(values: dict[str, object]) -> PendingMail:
    receivers, notices, left_out = values["receivers"], values["notices"], values["left_out"]
    if not isinstance(receivers, list) or not isinstance(notices, list) or not isinstance(left_out, int):
        raise UnreadableLine("it is not a mail")
    envelope = Envelope(str(values["sender"]), tuple(map(str, receivers)))
    return PendingMail(envelope, tuple(_notice(notice) for notice in notices), left_out)


def _notice(values: dict[str, object]) -> Notice:
    (event,) = parse_line(str(values["event"]).encode())
    due = values["next"]
    if not isinstance(event, Finished | Missed) or not isinstance(due, int | None):
        raise UnreadableLine("it is not about the end of a run")
    described = [str(values[name]) for name in ("description", "next_if", "now_if")]
    return Notice(event, due, _zone(str(values["zone"])), *described)


def _zone(name: str) -> tzinfo:
    """The zone of that name; a host that does not know it any more shows UTC."""
    with suppress(Exception):  # whatever is wrong with a name or the zone's file
        return named_zone(name)
    return UTC
