"""Which request a ping is, and what a webhook sends."""

import json
from dataclasses import replace

import pytest

from rocketd.core.model.events import Finished, Missed, Started
from rocketd.core.model.run import Action, Cause, End, Run, Trigger
from rocketd.core.model.secret import Secret, origin_of
from rocketd.core.notifications.notification import Notification
from rocketd.core.notifications.occasions import NotifiedEvent
from rocketd.core.notifications.ping import UrlSuffix, ping_body, ping_kind, ping_suffix
from rocketd.core.notifications.webhook import NAMES, Webhook, WebhookFormat, body_of, fields_of, filled
from rocketd.time_zones import named_zone

RUN = Run("backup", 7, "0190-7", 2, 1, 2, Trigger.SCHEDULE, "daily")
UTC = named_zone("UTC")


def ended(action: Action, cause: Cause = Cause.EXIT, code: int | None = None) -> Finished:
    return Finished(RUN, End(action, cause, 3, exit_code=code, message='no\0 "quotes"', output="a\nb\udcff\n"))


@pytest.mark.parametrize(
    ("event", "kind", "path"),
    [
        (Started(RUN), "start", "/start"),
        (ended(Action.SUCCESS, code=0), "success", ""),
        (ended(Action.SUCCESS, code=4), "success", ""),  # its success_codes say so, whatever healthchecks thinks of 4
        (ended(Action.INACTION, code=7), "success", ""),
        (ended(Action.FAIL, code=3), "fail", "/3"),
        (ended(Action.FAIL), "fail", "/fail"),
        (ended(Action.CRASH, Cause.DOWN), "fail", "/fail"),
        (ended(Action.TERMINATE, Cause.TIMEOUT), "fail", "/fail"),
        (ended(Action.TERMINATE, Cause.OPERATOR), "fail", "/log"),
        (Missed("backup", "0190-7", 1, 1, 1, 1, "down"), "missed", "/fail"),
    ],
)
def test_a_ping_says_this(event: NotifiedEvent, kind: str, path: str) -> None:
    notification = Notification(event, UTC)
    assert ping_kind(notification) == kind
    assert ping_suffix(notification) == UrlSuffix(path, "rid=0190-7")


@pytest.mark.parametrize(
    ("url", "whole"),
    [
        ("https://a/x", "https://a/x/start?rid=1"),
        ("https://a/x/", "https://a/x/start?rid=1"),
        ("https://a/x?create=1", "https://a/x/start?create=1&rid=1"),
        ("https://a", "https://a/start?rid=1"),
    ],
)
def test_what_is_added_to_a_url_keeps_its_parameters(url: str, whole: str) -> None:
    assert UrlSuffix("/start", "rid=1").added_to(url) == whole
    assert UrlSuffix().added_to(url) == url


def test_the_body_is_the_reason_and_the_output() -> None:
    assert ping_body(Notification(ended(Action.FAIL), UTC)) == 'no\0 "quotes"\na\nb\udcff\n'


def test_every_name_of_a_template_is_a_field_and_is_escaped() -> None:
    fields = fields_of(Notification(ended(Action.FAIL, code=3), UTC, description='a "b"'), "it failed", "web01")
    assert set(fields) == set(NAMES)
    template = json.dumps({name: f"${name}" for name in NAMES})
    assert json.loads(filled(template, fields, json.dumps))["description"] == 'a "b"'
    assert fields["event"] == "fail"


def test_a_recovery_is_called_so() -> None:
    fields = fields_of(Notification(ended(Action.SUCCESS), UTC, recovered=True), "it succeeded", "web01")
    assert (fields["event"], fields["occasions"]) == ("recovered", ["end", "recovered", "success"])


def test_a_chat_gets_a_text_that_fits() -> None:
    fields = fields_of(Notification(ended(Action.FAIL), UTC), "it failed", "web01") | {"output": "x" * 2_000}
    webhook = Webhook("chat", Secret("https://a"), frozenset({"fail"}), WebhookFormat.DISCORD)
    assert json.loads(body_of(webhook, fields, json.dumps)) == {"content": "web01: it failed"}
    slack = replace(webhook, format=WebhookFormat.SLACK)
    assert json.loads(body_of(slack, fields, json.dumps))["text"].startswith("web01: it failed\n```\nxxx")


@pytest.mark.parametrize("url", ["https://user:word@a.example:8/path?token=1", "https://a.example:8?token=1#x"])
def test_of_a_secret_only_the_server_is_shown(url: str) -> None:
    assert Secret(url).shown == origin_of(url) == "https://a.example:8"
    assert "token" not in repr(Secret(url))
    assert Secret(file="/etc/x").shown == "the URL in /etc/x"
