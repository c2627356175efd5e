"""The kinds of values that are tables: variables of the environment, parameters."""

import json
import math
import re
from datetime import date, time

from rocketd.config.problems import BadValue
from rocketd.config.value_types import each, string, toml_type, wrong_type


def _table(value: object, expected: str, hint: str) -> dict[str, object]:
    if type(value) is not dict:
        raise wrong_type(expected, value, hint)
    return value


def environment(value: object) -> tuple[tuple[str, str], ...]:
    """Take names and values of environment variables."""
    table = _table(value, "a table of variables", 'write environment = { NAME = "value" }')
    return each(((name, (name, text)) for name, text in table.items()), _variable)


def _variable(named: tuple[str, object]) -> tuple[str, str]:
    name, value = named
    if not re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", name, re.ASCII):
        hint = "names are letters, digits and _, the first not a digit"
        raise BadValue(f"'{name}' is not the name of a variable", hint, at_key=True)
    if name.startswith("ROCKETD_"):
        raise BadValue(f"{name} cannot be set: names that begin with ROCKETD_ are reserved for rocketd", at_key=True)
    return name, string(value)


def parameters(value: object) -> str:
    """Take a table that can be written as a JSON object (RFC 8259), and write it so."""
    table = _table(value, "a table of parameters", "write parameters = { name = 1 }")
    _check_json(table)
    return json.dumps(table, ensure_ascii=False)


def _check_json(value: object) -> None:
    if type(value) is dict:
        each(value.items(), _check_json)
    elif type(value) is list:
        each(enumerate(value), _check_json)
    elif isinstance(value, date | time):  # a datetime is a date
        raise BadValue(f"a parameter cannot be {toml_type(value)}: JSON has none", "write it in quotes")
    elif type(value) is float and not math.isfinite(value):
        raise BadValue(f"a parameter cannot be {value}: JSON has no such number")
