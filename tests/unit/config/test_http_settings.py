"""What `ping`, `[webhook.NAME]` and their kin take; what is wrong is said without showing what is secret."""

import pytest

from rocketd.config.hook_settings import hook
from rocketd.config.http_settings import headers, ping, template
from rocketd.config.problems import BadValue, Problem
from rocketd.core.model.secret import Secret
from rocketd.core.model.task import Ping


def test_a_ping_is_a_url_or_where_to_find_it() -> None:
    assert ping("https://a/b") == Ping(Secret("https://a/b"))
    assert ping({"file": "/etc/x", "on": ["fail"]}) == Ping(Secret(file="/etc/x"), ("fail",))
    assert ping({"credential": "x"}) == Ping(Secret(credential="x"))
    assert ping({"url": "http://a", "on": ["start"]}) == Ping(Secret("http://a"), ("start",))
    assert ping("") is None


@pytest.mark.parametrize(
    "value",
    [
        "ftp://a/hush", "hush", "https://", "https://a b/hush", "https://a\n/hush", "https://ü/hush", 3, {}, [],
        {"file": "hush"}, {"credential": "../hush"}, {"credential": "x", "file": "/x"}, {"fil": "/x"},
        {"url": "https://a/hush", "file": "/x"}, {"url": "hush"}, {"file": "/x", "on": ["end"]}, {"file": 3},
        "https://[hush", "https://a:hush/", "https://a/" + "hush" * 1_000,
    ],
)  # fmt: skip
def test_what_is_no_ping_is_told_without_quoting_a_url(value: object) -> None:
    with pytest.raises(BadValue) as caught:
        ping(value)
    mistakes = caught.value.under(("task", "a", "ping"))
    assert mistakes
    if isinstance(value, str):
        assert not any("hush" in mistake.message + mistake.hint for mistake in mistakes)


def test_a_line_that_is_quoted_shows_no_url() -> None:
    line = 'ping = "https://hc-ping.com/hush?x=hush" # "htps://a/hush"'
    problem = Problem("a.toml", 3, 8, "a", "error", "wrong", source_line=line)
    assert "hush" not in str(problem)
    assert len(problem.source_line) == len(line)


@pytest.mark.parametrize("text", ['{"a": "$tusk"}', '{"a": $task}x', "$", '{"a": "${task"}', "nothing"])
def test_a_template_that_is_no_json_or_has_other_names_is_told(text: str) -> None:
    with pytest.raises(BadValue):
        template(text)


def test_a_template_is_json_once_it_is_filled_in() -> None:
    assert template('{"a": "$task: ${message} $$"}')
    assert template("") == ""


@pytest.mark.parametrize("value", [{"A B": "x"}, {"A": "x\r\nB: y"}, {"A": 3}, {"A": {"file": "x"}}, "x"])
def test_what_is_no_header_is_told(value: object) -> None:
    with pytest.raises(BadValue):
        headers(value)


def test_a_hook_is_a_program_by_its_path_or_a_text_for_a_shell() -> None:
    assert hook("echo a") == ("/bin/sh", "-c", "echo a")
    assert hook(["/bin/echo", "a"]) == ("/bin/echo", "a")
    assert hook("") == hook([]) == ()


@pytest.mark.parametrize("value", [["echo"], [""], [3], 3, True, {}])
def test_what_is_no_hook_is_told(value: object) -> None:
    with pytest.raises(BadValue):
        hook(value)
