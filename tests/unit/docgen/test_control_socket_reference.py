"""The manual, the OpenAPI document and the types of the page are what the table of shapes makes of them."""

import re
from pathlib import Path

import pytest
from docgen import control_socket_reference as made
from openapi_spec_validator import OpenAPIV31SpecValidator

from rocketd.web import limits
from rocketd.web.api import ROUTES
from rocketd.web.openapi import document
from rocketd.web.shapes.route_table import ANSWERS, PARAMETERS
from rocketd.web.shapes.shape import Kind
from rocketd.web.shapes.table import EVENTS, SHAPES, keys_of

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / made.PAGE).read_text()
AGAIN = "run: PYTHONPATH=.:packaging python -m docgen.control_socket_reference ."


def test_the_manual_has_the_tables_as_they_are() -> None:
    assert made.described(PAGE) == PAGE, AGAIN


def test_every_shape_is_in_the_manual() -> None:
    told = set(re.findall(r"<!-- table: ([\w ]+) -->", PAGE))
    assert {*SHAPES} - {*EVENTS} <= told
    assert {"paths", "parameters", "errors", "events"} <= told


def test_the_packaged_document_is_the_one_of_now() -> None:
    assert (ROOT / made.OPENAPI).read_text() == made.openapi(), AGAIN


def test_the_types_of_the_page_are_those_of_now() -> None:
    path = ROOT / made.TYPES
    if path.parent.is_dir():
        assert path.read_text() == made.types(), AGAIN


def test_the_document_is_valid() -> None:
    assert list(OpenAPIV31SpecValidator(document()).iter_errors()) == []


def test_every_route_has_an_answer_and_known_parameters() -> None:
    assert {(route.method, route.path) for route in ROUTES} == ANSWERS.keys()
    assert {name for route in ROUTES for name in route.parameters} == PARAMETERS.keys()
    assert {name for answer in ANSWERS.values() for name in answer.shapes} <= SHAPES.keys()


@pytest.mark.parametrize("name", SHAPES)
def test_a_shape_has_each_key_once_and_names_shapes_that_there_are(name: str) -> None:
    keys = keys_of(name)
    assert len({key.name for key in keys}) == len(keys)
    assert all((key.of in SHAPES) == (key.kind is Kind.OBJECT) for key in keys)


def test_the_limits_are_those_that_hold() -> None:
    assert f"up to {limits.PAGE_RUNS}, oldest first" in PAGE
    assert f"longer if there were more than {limits.MAX_STRETCHES}" in PAGE
    assert f"(more than {limits.MAX_CONNECTIONS}, or {limits.MAX_CONNECTIONS_PER_USER} of one user; on" in PAGE
