"""The keys about requests to other servers: pings, webhooks, the heartbeat of the daemon, and how they are sent."""

import json
import re
from string import Template
from typing import Final

from rocketd.config import value_types
from rocketd.config.problems import BadValue
from rocketd.config.secret_value import SECRET_URL, secret_place, secret_text, secret_url, web_url
from rocketd.config.setting import Setting, Values, table
from rocketd.config.value_types import DURATION, PATH, ValueType, each
from rocketd.core.instant import MINUTE, SECOND, Duration
from rocketd.core.model.secret import Secret
from rocketd.core.model.task import Ping
from rocketd.core.notifications.http_settings import HeartbeatUrl, HttpSettings
from rocketd.core.notifications.occasions import Occasion
from rocketd.core.notifications.ping import KINDS
from rocketd.core.notifications.webhook import NAMES, Webhook, WebhookFormat, filled
from rocketd.core.suggestion import did_you_mean

_HEADER: Final = re.compile(r"[A-Za-z0-9-]{1,100}")
_OCCASIONS: Final = tuple(str(occasion) for occasion in Occasion)


def ping(value: object) -> Ping | None:
    """Take a URL, or a table with where to find it and what it is pinged about; an empty text is none."""
    if value == "":
        return None
    if type(value) is not dict:
        return Ping(secret_url(value))
    on: tuple[str, ...] = KINDS
    if "on" in value:
        (on,) = each([("on", value["on"])], value_types.each_of(*KINDS))
    if "url" in value:
        (url,) = each([("url", value["url"])], web_url)
        if extra := value.keys() - {"url", "on"}:
            raise BadValue("this has a url already", path=(min(extra),), at_key=True)
        return Ping(Secret(url), on)
    return Ping(secret_place(value, others=("url", "on")), on)


def template(value: object) -> str:
    """Take a body with $NAMES that is JSON once they are filled in."""
    text = value_types.string(value)
    names = Template(text)
    if not names.is_valid():
        raise BadValue("a $ is not followed by a name", "write $$ for a dollar sign")
    for name in names.get_identifiers():
        if name not in NAMES:
            hint = did_you_mean(name, NAMES) or f"known are {', '.join(f'${one}' for one in NAMES)}"
            raise BadValue(f"'${name}' is not the name of a field", hint)
    try:
        json.loads(filled(text, dict.fromkeys(NAMES, "1"), json.dumps)) if text else None
    except ValueError as error:
        raise BadValue(f"this is not JSON: {error}", 'names stand inside strings: "$message"') from None
    return text


def headers(value: object) -> tuple[tuple[str, Secret], ...]:
    """Take names and values of headers."""
    if type(value) is not dict:
        raise value_types.wrong_type("a table of headers", value)
    return each(((name, (name, text)) for name, text in value.items()), _header)


def _header(named: tuple[str, object]) -> tuple[str, Secret]:
    name, value = named
    if not _HEADER.fullmatch(name):
        raise BadValue(f"'{name}' is not the name of a header", at_key=True)
    secret = secret_text(value)
    if not secret.text.isprintable():
        raise BadValue("a header has only printable characters")
    return name, secret


PING: Final = Setting[Ping | None](
    "ping",
    ValueType("URL, or table", ping),
    None,
    "none",
    "A URL that is requested when a run starts and ends, as healthchecks takes it: `/start`, the exit code or `/fail` "
    'are added to it. `{task}` stands for the name of the task. As a table, `{ file = "/path" }` or '
    '`{ credential = "name" }` for a secret URL, and `on` with some of `start`, `success`, `fail` and `missed`. '
    '`""` overrides `[defaults]` with none.',
)
TASK_WEBHOOKS: Final = Setting[tuple[str, ...] | None](
    "webhooks",
    value_types.STRINGS,
    None,
    "all",
    "The names of the `[webhook.NAME]` that are told about the task; `[]`: none.",
)
PROXY: Final = Setting(
    "proxy",
    ValueType("URL", web_url),
    "",
    "that of the environment",
    "A proxy for all requests. By default, `https_proxy`, `http_proxy` and `no_proxy` of the daemon's environment "
    "count.",
)
CA_FILE: Final = Setting("ca_file", PATH, "", "the host's", "Certificates of the authorities that are trusted.")
HTTP_PAUSE: Final = Setting("pause", DURATION, 0, "`0s`", "The shortest time between two requests to the same server.")
WEBHOOK_URL: Final = Setting[Secret](
    "url",
    SECRET_URL,
    Secret(),
    "none",
    'Where requests go: a URL, or `{ file = "/path" }` or `{ credential = "name" }` for one that is secret.',
)
WEBHOOK_ON: Final = Setting[tuple[str, ...]](
    "on",
    ValueType("list of occasions", value_types.each_of(*_OCCASIONS)),
    ("fail", "missed", "recovered", "overdue", "slow"),
    '`["fail", "missed", "recovered", "overdue", "slow"]`',
    f"What it is told: any of {', '.join(f'`{one}`' for one in _OCCASIONS)}.",
)
WEBHOOK_FORMAT: Final = Setting(
    "format",
    ValueType("`json`, `slack` or `discord`", value_types.choice(WebhookFormat)),
    WebhookFormat.JSON,
    "`json`",
    "The body. `json`: all that is known; `slack`: a text for Slack, Mattermost, Rocket.Chat and Teams; `discord`.",
)
WEBHOOK_TEMPLATE: Final = Setting(
    "template",
    ValueType("string", template),
    "",
    "none",
    'Instead of `format`: the body, JSON with names such as `"$task"` and `"$message"` in its strings.',
)
WEBHOOK_HEADERS: Final = Setting[tuple[tuple[str, Secret], ...]](
    "headers",
    ValueType("table", headers),
    (),
    "none",
    'Further headers; a value that is secret as `{ file = "/path" }` or `{ credential = "name" }`.',
)
WEBHOOK_PAUSE: Final = Setting("pause", DURATION, SECOND, "`1s`", "The shortest time between two requests.")
HEARTBEAT_URL: Final = Setting[Secret](
    "url", SECRET_URL, Secret(), "none", "A URL that is requested as long as the daemon works."
)
HEARTBEAT_EVERY: Final = Setting[Duration](
    "every", ValueType("duration", value_types.duration(10 * SECOND)), MINUTE, "`1 min`", "How often it is requested."
)

HTTP: Final = table(PROXY, CA_FILE, HTTP_PAUSE)
WEBHOOK: Final = table(WEBHOOK_URL, WEBHOOK_ON, WEBHOOK_FORMAT, WEBHOOK_TEMPLATE, WEBHOOK_HEADERS, WEBHOOK_PAUSE)
HEARTBEAT: Final = table(HEARTBEAT_URL, HEARTBEAT_EVERY)
TEXTFILE: Final = Setting(
    "textfile",
    PATH,
    "",
    "none",
    "A file for node_exporter's textfile collector, such as `/var/lib/prometheus/node-exporter/rocketd.prom`: written "
    "each minute, in one step.",
)
METRICS: Final = table(TEXTFILE)


def http_settings_of(values: Values) -> HttpSettings:
    """Put together how servers are reached."""
    return HttpSettings(values[PROXY], values[CA_FILE], values[HTTP_PAUSE])


def webhook_of(name: str, values: Values) -> Webhook:
    """Put together a webhook."""
    return Webhook(
        *(name, values[WEBHOOK_URL], frozenset(values[WEBHOOK_ON]), values[WEBHOOK_FORMAT]),
        *(values[WEBHOOK_TEMPLATE], values[WEBHOOK_HEADERS], values[WEBHOOK_PAUSE]),
    )


def heartbeat_of(values: Values) -> HeartbeatUrl | None:
    """Put together the heartbeat; None: nobody is told."""
    url = values[HEARTBEAT_URL]
    return HeartbeatUrl(url, values[HEARTBEAT_EVERY]) if url != Secret() else None
