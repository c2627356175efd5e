"""Notifications as texts, for the file that keeps them until they are delivered."""

import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, tzinfo
from typing import Any, Final

from rocketd.core.model.events import Finished, Missed, Started
from rocketd.core.notifications.notification import Notification
from rocketd.core.notifications.occasions import NotifiedEvent, Overdue, Slow
from rocketd.store.spool_line import UnreadableLine, format_line, parse_line
from rocketd.time_zones import named_zone

_CONTEXT: Final = ("next_if", "now_if", "description")


def format_notification(notification: Notification) -> str:
    """Serialize it."""
    values: dict[str, object] = {"zone": str(notification.zone), "next": notification.next}
    values |= {"recovered": notification.recovered} | {name: getattr(notification, name) for name in _CONTEXT}
    match event := notification.event:
        case Started() | Finished() | Missed():
            values["event"] = format_line([event]).decode()
        case Overdue():
            values["overdue"] = [event.task, event.at, event.since, event.max_age]
        case Slow(run):
            values["event"] = format_line([Started(run)]).decode()
            values["slow"] = [event.at, event.limit, event.usual]
    return json.dumps(values)


def parse_notification(content: str) -> Notification:
    """Read it back; raises ValueError."""
    try:
        values = json.loads(content)
        following = values["next"]
        return Notification(
            event=_event(values),
            zone=_zone(str(values["zone"])),
            recovered=bool(values["recovered"]),
            next=None if following is None else int(following),
            **{name: str(values[name]) for name in _CONTEXT},
        )
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UnreadableLine(f"it is not a notification: {error}") from error


def _event(values: Mapping[str, Any]) -> NotifiedEvent:
    if (overdue := values.get("overdue")) is not None:
        task, *instants = overdue
        return Overdue(str(task), *map(int, instants))
    (event,) = parse_line(str(values["event"]).encode())
    if (slow := values.get("slow")) is not None and isinstance(event, Started):
        at, limit, usual = slow
        return Slow(event.run, int(at), int(limit), None if usual is None else int(usual))
    if not isinstance(event, Started | Finished | Missed):
        raise UnreadableLine("it is not about a run")
    return event


def _zone(name: str) -> tzinfo:
    """The zone of that name; a host that does not know it any more shows UTC."""
    with suppress(Exception):  # whatever is wrong with a name or the zone's file
        return named_zone(name)
    return UTC
