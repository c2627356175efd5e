"""What of an object that nobody has checked is as a shape says."""

import pytest

from rocketd.daemon.json_format import Json
from rocketd.web.shapes.fitting import fitting
from rocketd.web.shapes.shape import flag, instant, integer, one, seconds, text, texts

KEYS = (
    text("name"),
    text("state", words=("run", "success")),
    texts("tags"),
    instant("next"),
    flag("running"),
    integer("number"),
    seconds("took", null=True),
    one("within", "Task"),
)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("name", "backup"),
        ("state", "run"),
        ("tags", ["a", "b"]),
        ("tags", []),
        ("next", "2026-11-29T10:00:00.000000+00:00"),
        ("next", None),
        ("running", False),
        ("number", 3),
        ("took", 3),
        ("took", 0.5),
        ("took", None),
    ],
)
def test_what_is_of_the_right_type_stays(name: str, value: Json) -> None:
    assert fitting({name: value}, KEYS) == {name: value}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("name", None),
        ("name", 3),
        ("state", "gone"),
        ("tags", "a"),
        ("tags", ["a", 3]),
        ("tags", {}),
        ("next", "?"),
        ("next", "2026-11-29T10:00:00"),
        ("next", 7),
        ("running", 1),
        ("running", "yes"),
        ("number", True),
        ("number", 0.5),
        ("took", "long"),
        ("within", {"task": "a"}),
        ("unknown", 1),
    ],
)
def test_anything_else_is_left_out(name: str, value: Json) -> None:
    assert fitting({name: value}, KEYS) == {}
