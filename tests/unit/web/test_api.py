"""The table of routes."""

import pytest

from rocketd.core.errors import RocketdError, StoreError
from rocketd.core.model.events import NoSuchTask
from rocketd.web.api import ROUTES, Request, allowed_methods
from rocketd.web.errors import BadRequest, NoSuchPath, WrongMethod, status_of


@pytest.mark.parametrize(
    ("path", "matches"),
    [
        ("/v1/status", {("/v1/status", "")}),
        ("/v1/tasks/a b", {("/v1/tasks/TASK", "a b")}),
        ("/v1/tasks/a/why", {("/v1/tasks/TASK/why", "a")}),
        ("/v1/runs/a/7", {("/v1/runs/RUN", "a/7")}),
        ("/v1/runs/0f3c", {("/v1/runs/RUN", "0f3c")}),
        ("/v1/runs/a/7/stop", {("/v1/runs/RUN/stop", "a/7")}),
        ("/v1/runs/stop", {("/v1/runs/RUN", "stop")}),
        ("/v1/runs/a/b", set()),
        ("/v1/tasks/", set()),
        ("/v2/status", set()),
    ],
)
def test_a_path_leads_to_one_route_and_a_name(path: str, matches: set[tuple[str, str]]) -> None:
    assert {(route.path, name) for route in ROUTES if (name := route.match(path)) is not None} == matches


def test_the_methods_of_a_path_are_those_of_its_routes() -> None:
    assert allowed_methods(Request("PUT", "/v1/tasks/a%20b?x=1", b"", "uid 0")) == "GET"
    assert allowed_methods(Request("PUT", "/v1/%73tatus", b"", "uid 0")) == "GET"
    assert allowed_methods(Request("GET", "/v1/reload", b"", "uid 0")) == "POST"
    assert allowed_methods(Request("GET", "/v1/none", b"", "uid 0")) == ""


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (BadRequest("x"), 400),
        (NoSuchPath("x"), 404),
        (NoSuchTask("x"), 404),
        (WrongMethod("x"), 405),
        (StoreError("x"), 503),
        (RocketdError("x"), 500),
    ],
)
def test_each_error_has_the_status_that_says_whose_fault_it_is(error: RocketdError, status: int) -> None:
    assert status_of(error) == status
