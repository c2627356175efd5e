"""Values are taken by their exact TOML types, and what does not fit is said with the right way to write it."""

import sys
from collections.abc import Callable

import pytest
import tomli

from rocketd.config import output_values, table_values, value_types
from rocketd.config.problems import BadValue
from rocketd.config.resource_limits import NAMES, limits
from rocketd.core.instant import HOUR, MINUTE, SECOND
from rocketd.core.model.task import Limit, Overlap

Read = Callable[[object], object]


def toml(text: str) -> object:
    return tomli.loads(f"x = {text}")["x"]


def refusal(read: Read, text: str) -> tuple[str, str]:
    """The sentence and the hint."""
    with pytest.raises(BadValue) as caught:
        read(toml(text))
    (mistake,) = caught.value.under(())
    return mistake.message, mistake.hint


def paths(read: Read, text: str) -> list[tuple[str | int, ...]]:
    """Where in the value it is wrong."""
    with pytest.raises(BadValue) as caught:
        read(toml(text))
    return [mistake.path for mistake in caught.value.under(())]


@pytest.mark.parametrize(
    ("read", "text", "value"),
    [
        (value_types.string, '"a"', "a"),
        (value_types.string, '""', ""),
        (value_types.non_empty, '"a"', "a"),
        (value_types.boolean, "true", True),
        (value_types.integer(-1, 5), "5", 5),
        (value_types.integer(-1, 5), "-1", -1),
        (value_types.duration(1), '"2h"', 2 * HOUR),
        (value_types.duration(0), '"0"', 0),
        (value_types.duration_or_infinity, '"infinity"', None),
        (value_types.duration_or_infinity, '"1 min"', MINUTE),
        (value_types.size(2**20), "0", 0),
        (value_types.size(2**20), '"16 KiB"', 16 * 1024),
        (value_types.size(2**20), '"16K"', 16 * 1024),
        (value_types.size(2**20), '"1 MiB"', 2**20),
        (value_types.size(2**20), '" 12 B "', 12),
        (value_types.size(2**40), '"1T"', 2**40),
        (value_types.choice(Overlap), '"skip"', Overlap.SKIP),
        (value_types.each_of("a", "b"), '["b", "a"]', ("b", "a")),
        (value_types.strings, "[]", ()),
        (value_types.path, '"/a"', "/a"),
        (value_types.paths, '["/a", "-/b"]', ("/a", "-/b")),
        (value_types.codes, "[0, 255, 0]", frozenset({0, 255})),
        (output_values.size_or_infinity, '"infinity"', sys.maxsize),
        (output_values.size_or_infinity, "0", 0),
        (output_values.output_file, '""', ""),
        (output_values.output_file, '"/var/log/{task}-%F.log"', "/var/log/{task}-%F.log"),
        (value_types.command, '["/bin/true", ""]', ("/bin/true", "")),
        (value_types.command, '"a | b"', "a | b"),
        (value_types.function, '"package.module:function"', "package.module:function"),
        (value_types.function, '"m:Class.method"', "m:Class.method"),
        (value_types.url, '"sqlite:///a.db"', "sqlite:///a.db"),
        (value_types.url, '"postgresql+psycopg://h/d"', "postgresql+psycopg://h/d"),
        (value_types.umask, '"0027"', 0o27),
        (value_types.umask, '"077"', 0o77),
        (table_values.environment, '{ A = "1", b_2 = "" }', (("A", "1"), ("b_2", ""))),
        (table_values.parameters, '{ a = 1, b = ["ä", { c = true }] }', '{"a": 1, "b": ["ä", {"c": true}]}'),
    ],
)
def test_takes(read: Read, text: str, value: object) -> None:
    taken = read(toml(text))
    assert taken == value
    assert type(taken) is type(value)


@pytest.mark.parametrize(
    ("read", "text", "message", "hint"),
    [
        (value_types.string, "1", "this must be a string, not an integer", 'write "1"'),
        (value_types.string, "true", "this must be a string, not a boolean", ""),
        (value_types.string, "[]", "this must be a string, not an array", ""),
        (value_types.string, '"a\\u0000b"', "this cannot contain a NUL character", ""),
        (value_types.non_empty, '""', "this must not be empty", ""),
        (value_types.boolean, "1", "this must be true or false, not an integer", ""),
        (value_types.boolean, '"True"', "this must be true or false, not a string", "write true without quotes"),
        (value_types.integer(1, 5), "true", "this must be an integer, not a boolean", ""),
        (value_types.integer(1, 5), "1.0", "this must be an integer, not a float", ""),
        (value_types.integer(1, 5), "6", "6 is not between 1 and 5", ""),
        (value_types.duration(1), "30", "this must be a duration in quotes, not an integer", 'write "30s" for seconds'),
        (value_types.duration(1), "true", "this must be a duration in quotes, not a boolean", 'for example "2h 30min"'),
        (value_types.duration(0), "-1", "this must be a duration in quotes, not an integer", 'for example "2h 30min"'),
        (value_types.duration(1), "0", "this must be a duration in quotes, not an integer", 'for example "2h 30min"'),
        (value_types.duration(1), "inf", "this must be a duration in quotes, not a float", 'for example "2h 30min"'),
        (value_types.duration(1), '"0s"', "this must be longer than zero", ""),
        (value_types.duration_or_infinity, '""', "a duration is missing", None),
        (value_types.size(1024), "1025", "1025 is not between 0 and 1 KiB", ""),
        (value_types.size(1000), '"1K"', "1K is not between 0 and 1000 B", ""),
        (value_types.size(1024), "-1", "-1 is not between 0 and 1 KiB", ""),
        (value_types.size(1024), "1.5", 'this must be a size, as 16384 or "16 KiB", not a float', ""),
        (value_types.size(1024), '"1 KB"', "'1 KB' is not a size", None),
        (output_values.size_or_infinity, '"none"', "'none' is not a size", 'write "infinity" for no limit'),
        (output_values.size_or_infinity, "-1", "'-1' is not a size", 'write "infinity" for no limit'),
        (output_values.size_or_infinity, '"2000T"', "2000T is not between 0 and 1024 TiB", ""),
        (output_values.output_file, '"log"', "'log' is not an absolute path", "write the whole path, starting with /"),
        (output_values.output_file, '"/log/"', "'/log/' is a directory", "add the name of a file"),
        (output_values.output_file, '"/%D.log"', "'%D' is not a placeholder", None),
        (output_values.output_file, '"/{name}"', "'{name}' is not a placeholder", None),
        (
            value_types.one_of("wait", "skip"),
            '"skipp"',
            "'skipp' is not one of 'wait' and 'skip'",
            "did you mean skip?",
        ),
        (value_types.each_of("a", "b"), '["c"]', "'c' is not one of 'a' and 'b'", None),
        (value_types.strings, '"a"', "this must be a list of strings, not a string", 'write ["a"]'),
        (value_types.strings, "1", "this must be a list of strings, not an integer", ""),
        (value_types.path, '"a/b"', "'a/b' is not an absolute path", "write the whole path, starting with /"),
        (value_types.paths, '["-a"]', "'a' is not an absolute path", "write the whole path, starting with /"),
        (value_types.codes, "[256]", "256 is not between 0 and 255", ""),
        (value_types.command, "[]", "the program to run is missing", 'write it first: ["/usr/bin/true"]'),
        (value_types.command, '[""]', "the program to run is missing", 'write it first: ["/usr/bin/true"]'),
        (value_types.command, '""', "this must not be empty", ""),
        (value_types.command, "1", "this must be a list of strings, the program and its arguments, not an integer", ""),
        (value_types.function, '"a.b"', "'a.b' does not name a function", 'write "package.module:function"'),
        (value_types.function, '"1a:b"', "'1a:b' does not name a function", 'write "package.module:function"'),
        (value_types.url, '"rocketd.db"', "'rocketd.db' is not a database URL", None),
        (
            value_types.umask,
            "0o22",
            "this must be a mask of octal digits in quotes, not an integer",
            'for example "0022"',
        ),
        (value_types.umask, '"0088"', "'0088' is not a mask of octal digits", 'for example "0022"'),
        (
            table_values.environment,
            "[]",
            "this must be a table of variables, not an array",
            'write environment = { NAME = "value" }',
        ),
        (table_values.environment, '{ "a b" = "1" }', "'a b' is not the name of a variable", None),
        (table_values.environment, "{ A = 1 }", "this must be a string, not an integer", 'write "1"'),
        (
            table_values.environment,
            '{ ROCKETD_X = "" }',
            "ROCKETD_X cannot be set: names that begin with ROCKETD_ are reserved for rocketd",
            "",
        ),
        (
            table_values.parameters,
            "{ a = 2026-01-01 }",
            "a parameter cannot be a date: JSON has none",
            "write it in quotes",
        ),
        (
            table_values.parameters,
            "{ a = [10:00:00] }",
            "a parameter cannot be a time: JSON has none",
            "write it in quotes",
        ),
        (table_values.parameters, "{ a = inf }", "a parameter cannot be inf: JSON has no such number", ""),
    ],
)
def test_refuses(read: Read, text: str, message: str, hint: str | None) -> None:
    said, hinted = refusal(read, text)
    assert said == message
    assert hint is None or hinted == hint


def test_says_where_in_a_list_or_table_it_is_wrong() -> None:
    assert paths(value_types.codes, "[0, 256, 1, 999]") == [(1,), (3,)]
    assert paths(table_values.parameters, "{ a = [{ b = nan }], c = inf }") == [("a", 0, "b"), ("c",)]
    assert paths(table_values.environment, '{ A = "", B = 1, "C D" = 1 }') == [("B",), ("C D",)]
    assert paths(limits, '{ core = "x", none = 1 }') == [("core",), ("none",)]


@pytest.mark.parametrize(
    ("text", "soft", "hard"),
    [
        ("{ nofile = 1024 }", 1024, 1024),
        ('{ nofile = "1024:4096" }', 1024, 4096),
        ('{ core = "infinity" }', -1, -1),
        ('{ core = "0:infinity" }', 0, -1),
        ('{ fsize = "1G : 2G" }', 2**30, 2**31),
        ('{ cpu = "10min" }', 600, 600),
        ("{ cpu = 10 }", 10, 10),
        ('{ cpu = "1500ms" }', 2, 2),
        ('{ rttime = "1s" }', SECOND, SECOND),
        ('{ rttime = "7" }', 7, 7),
        ('{ nproc = "64" }', 64, 64),
    ],
)
def test_limits_as_systemd_spells_them(text: str, soft: int, hard: int) -> None:
    (limit,) = limits(toml(text))
    assert (limit.soft, limit.hard) == (soft, hard)


def test_every_limit_has_its_own_number() -> None:
    taken = [limits({name: 0})[0] for name in NAMES]
    assert len({limit.resource for limit in taken}) == len(NAMES)
    assert all(isinstance(limit, Limit) for limit in taken)


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("1", "this must be a table of limits", "for example { nofile = 1024 }"),
        ("{ LimitNOFILE = 1 }", "'LimitNOFILE' is not a resource limit", "did you mean nofile?"),
        ("{ nofiles = 1 }", "'nofiles' is not a resource limit", "did you mean nofile?"),
        ("{ zzz = 1 }", "'zzz' is not a resource limit", None),
        ('{ core = "2:1" }', "the soft limit of '2:1' is above the hard one", "write SOFT:HARD"),
        ('{ core = "infinity:1" }', "the soft limit of 'infinity:1' is above the hard one", "write SOFT:HARD"),
        ('{ cpu = "1s:1 fortnight" }', "fortnight is not a unit of time", "write SOFT:HARD, for example 1G:2G"),
        ("{ nofile = true }", "this must be an integer, not a boolean", ""),
        ('{ nofile = "x" }', "this must be an integer, not a string", ""),
        ("{ nofile = -1 }", f"-1 is not between 0 and {2**63 - 1}", ""),
        ('{ cpu = "1 fortnight" }', "fortnight is not a unit of time", None),
    ],
)
def test_limits_that_cannot_be(text: str, message: str, hint: str | None) -> None:
    said, hinted = refusal(limits, text)
    assert said == message
    assert hint is None or hinted == hint
