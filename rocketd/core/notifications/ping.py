"""Pings, in the way of healthchecks (https://healthchecks.io/docs/http_api/): which path says what.

    a run has started       URL/start
    it ended well           URL
    it failed               URL/EXIT_CODE; without one, URL/fail
    it was stopped          URL/log: by an operator, by its stop_when, or replaced
    runs were missed        URL/fail

The run's id is the parameter `rid`, so that start and end are matched; the end of the output is the body.
"""

from typing import Final, NamedTuple

from rocketd.core.model.events import Finished, Missed, Started
from rocketd.core.notifications.notification import Notification
from rocketd.core.notifications.occasions import is_failure, is_success

KINDS: Final = ("start", "success", "fail", "missed")
"""What a ping can be about."""


class UrlSuffix(NamedTuple):
    """What is added to a URL: to its path, and to its parameters."""

    path: str = ""
    parameters: str = ""

    def added_to(self, url: str) -> str:
        """Return the whole URL."""
        base, _, query = url.partition("?")
        if self.path:
            base = base.rstrip("/") + self.path
        joined = "&".join(part for part in (query, self.parameters) if part)
        return f"{base}?{joined}" if joined else base


def ping_kind(notification: Notification) -> str:
    """Return which of `KINDS` this is; empty: none, nobody is pinged."""
    match notification.event:
        case Started():
            return "start"
        case Missed():
            return "missed"
        case Finished(_, end):
            return "success" if is_success(end) else "fail"
        case _:
            return ""


def ping_suffix(notification: Notification) -> UrlSuffix:
    """Return what is added to the URL because of an event."""
    match event := notification.event:
        case Started(run):
            return UrlSuffix("/start", f"rid={run.run_id}")
        case Finished(run, end):
            path = "" if is_success(end) else "/log"
            if is_failure(end):
                path = f"/{end.exit_code}" if end.exit_code else "/fail"
            return UrlSuffix(path, f"rid={run.run_id}")
        case Missed():
            return UrlSuffix("/fail", f"rid={event.run_id}")
        case _:
            return UrlSuffix("/log")


def ping_body(notification: Notification) -> str:
    """Return what is sent: what went wrong, and the end of the output."""
    return "\n".join(part for part in (notification.message, notification.output) if part)
