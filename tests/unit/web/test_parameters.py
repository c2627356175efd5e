"""The parameters of a request: what is not valid is refused with a sentence."""

from collections.abc import Callable

import pytest

from rocketd.core.model.run import Action
from rocketd.daemon.json_format import Json
from rocketd.web.errors import BadRequest
from rocketd.web.parameters import RequestParameters, body_parameters, query_parameters


def parameters(**values: Json) -> RequestParameters:
    return RequestParameters("backup", values, "uid 0")


def test_parameters_that_are_missing_have_their_defaults() -> None:
    none = parameters()
    assert (none.text("reason"), none.flag("dry_run"), none.instant("at"), none.cursor("after")) == ("", False, None, 0)
    assert none.number("limit", 100, 500) == 100
    assert none.actions("action") == ()


def test_each_kind_of_parameter_is_parsed() -> None:
    given = parameters(
        reason="disk full", dry_run=True, at="2026-03-01T12:00:00+01:00", limit="7", after="12", action="fail,crash"
    )
    assert given.text("reason") == "disk full"
    assert given.flag("dry_run")
    assert given.instant("at") == 1_772_362_800_000_000
    assert given.number("limit", 100, 500) == 7
    assert given.cursor("after") == 12
    assert given.actions("action") == (Action.FAIL, Action.CRASH)


@pytest.mark.parametrize(
    ("read", "value", "message"),
    [
        (lambda given: given.text("x"), 7, "x must be a string"),
        (lambda given: given.text("x"), "\udc80", "half a character"),
        (lambda given: given.flag("x"), "true", "x must be true or false"),
        (lambda given: given.instant("x"), "noon", "RFC 3339"),
        (lambda given: given.number("x", 1, 500), "501", "from 1 to 500"),
        (lambda given: given.number("x", 1, 500), "0", "from 1 to 500"),
        (lambda given: given.number("x", 1, 500), "٣", "from 1 to 500"),
        (lambda given: given.cursor("x"), "-1", "the `next` of the previous page"),
        (lambda given: given.actions("x"), "fail,kill", "'kill' is not an action"),
    ],
)
def test_a_value_that_is_not_valid_is_refused(
    read: Callable[[RequestParameters], object], value: Json, message: str
) -> None:
    with pytest.raises(BadRequest, match=message):
        read(parameters(x=value))


def test_a_long_value_is_shown_in_part() -> None:
    with pytest.raises(BadRequest) as caught:
        parameters(at="x" * 1000).instant("at")
    assert len(caught.value.message) < 100


def test_a_query_keeps_empty_values_and_decodes_the_others() -> None:
    assert query_parameters("task=a%2Fb&since=") == {"task": "a/b", "since": ""}
    assert query_parameters("") == {}


@pytest.mark.parametrize("query", ["task", "&".join(f"p{number}=1" for number in range(21))])
def test_a_query_that_cannot_be_read_is_refused(query: str) -> None:
    with pytest.raises(BadRequest, match="the query cannot be read"):
        query_parameters(query)


def test_a_body_is_a_json_object_or_empty() -> None:
    assert body_parameters(b"") == {}
    assert body_parameters(b'{"dry_run": true}') == {"dry_run": True}


@pytest.mark.parametrize("body", [b"dry_run=true", b"\xff", b"[" * 100_000, b"[]", b"1"])
def test_any_other_body_is_refused(body: bytes) -> None:
    with pytest.raises(BadRequest, match="the body"):
        body_parameters(body)
