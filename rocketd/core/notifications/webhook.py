"""Webhooks: a JSON body about an event, as chat systems take it, or by a template of the administrator."""

from collections.abc import Callable, Mapping
from enum import StrEnum
from string import Template
from typing import Final, TypeAlias

from rocketd.core.dataclass import dataclass
from rocketd.core.instant import SECOND, Duration
from rocketd.core.model.events import Finished, Missed
from rocketd.core.model.run import Run
from rocketd.core.model.secret import Secret
from rocketd.core.notifications.notification import Notification
from rocketd.core.notifications.occasions import Occasion
from rocketd.core.signal_names import signal_name

NAMES: Final = (
    "event", "occasions", "task", "description", "host", "message", "action", "run_id", "number", "attempt",
    "exit_code", "signal", "cause", "runtime", "output",
)  # fmt: skip
"""The fields of a body, and the names in a template."""
MAX_OUTPUT: Final = 2_000
"""Characters of the output that a body has, from its end."""
_MAX_DISCORD: Final = 1_900
_ORDER: Final = (Occasion.RECOVERED, Occasion.FAIL, Occasion.SUCCESS)

Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"


class WebhookFormat(StrEnum):
    """What a body looks like."""

    JSON = "json"
    """Everything that is known, by name."""
    SLACK = "slack"
    """`{"text": …}`: Slack, Mattermost, Rocket.Chat, Teams."""
    DISCORD = "discord"


@dataclass(frozen=True, slots=True)
class Webhook:
    """A URL that is told about events of all tasks."""

    name: str
    url: Secret
    on: frozenset[str]
    """Occasions."""
    format: WebhookFormat = WebhookFormat.JSON
    template: str = ""
    """The body, with $NAMES; empty: as the format says."""
    headers: tuple[tuple[str, Secret], ...] = ()
    pause: Duration = SECOND
    """The shortest time between two requests."""


def fields_of(notification: Notification, sentence: str, host: str) -> dict[str, Json]:
    """Return what is known, by name; what does not apply is null."""
    event, occasions = notification.event, notification.occasions
    run = getattr(event, "run", None)
    end = event.end if isinstance(event, Finished) else None
    known: dict[str, Json] = {
        "event": str(next((one for one in _ORDER if one in occasions), min(occasions))),
        "occasions": [str(one) for one in sorted(occasions)],
        "task": notification.task,
        "description": notification.description,
        "host": host,
        "message": sentence,
        "action": notification.action,
        "run_id": event.run_id if isinstance(event, Missed) else None,
        "number": None,
        "attempt": None,
        "exit_code": end.exit_code if end else None,
        "signal": signal_name(end.signal) if end and end.signal is not None else None,
        "cause": str(end.cause) if end else None,
        "runtime": end.runtime / SECOND if end else None,
        "output": notification.output[-MAX_OUTPUT:],
    }
    if isinstance(run, Run):
        known |= {"run_id": run.run_id, "number": run.number, "attempt": run.attempt}
    return known


def body_of(webhook: Webhook, fields: Mapping[str, Json], dump: Callable[[Json], str]) -> str:
    """Return the body; `dump` writes JSON."""
    if webhook.template:
        return filled(webhook.template, fields, dump)
    text = f"{fields['host']}: {fields['message']}"
    output = str(fields["output"]).rstrip()
    shown = f"{text}\n```\n{output}\n```" if output and fields["event"] == "fail" else text
    if webhook.format is WebhookFormat.SLACK:
        return dump({"text": shown})
    if webhook.format is WebhookFormat.DISCORD:
        return dump({"content": shown if len(shown) <= _MAX_DISCORD else text[:_MAX_DISCORD]})
    return dump(dict(fields))


def filled(template: str, fields: Mapping[str, Json], dump: Callable[[Json], str]) -> str:
    """Put the fields into a template, each escaped as it is inside a string of JSON."""
    texts = {name: dump("" if value is None else str(value))[1:-1] for name, value in fields.items()}
    return Template(template).safe_substitute(texts)
