"""What an administrator sees of a file full of mistakes."""

from pathlib import Path
from typing import Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rocketd.config import load
from rocketd.config.check_report import check_json, check_text
from rocketd.config.task_settings import TASK
from support.task_files import HELLO, Folder

HERE = Path(__file__).parent

VALUES = [
    *(
        '""',
        '"x"',
        '"\\u0000"',
        '"\\u001b[2J"',
        "0",
        "-1",
        "1e400",
        "nan",
        "true",
        "[]",
        "{}",
        "[[[]]]",
        "[1, 'a', {}]",
    ),
    *("{ a = 1 }", "{ '' = '' }", "2026-01-01", "10:00:00", "2026-01-01T10:00:00Z", f'"{"9" * 400}"', "9" * 400),
    *(
        '"' + "(" * 500 + '"',
        '"infinity:infinity"',
        '":"',
        '"../../etc"',
        '"/"',
        "[['/']]",
        "{ core = [1] }",
        "[1, 'a', {}]",
    ),
]


def test_every_mistake_of_a_file_is_found_in_one_go(folder: Folder) -> None:
    """Word for word: `mistakes.txt` is what an administrator reads of `mistakes.toml`."""
    shown = check_text(folder.load((HERE / "mistakes.toml").read_text()))
    assert shown.replace(f"{folder.path}/", "") + "\n" == (HERE / "mistakes.txt").read_text()


def test_a_task_that_is_disabled_is_said_and_counted(folder: Folder) -> None:
    text = '[task.a]\ncommand = ["/bin/true"]\n\n[task.b]\ncommand = ["/bin/true"]\nenabled = false\n'
    assert check_text(folder.load(text)).splitlines() == [
        f"{folder.path}/tasks.toml:4: task 'b' is disabled: it has enabled = false",
        "1 task, 1 disabled, no problems",
    ]


def test_what_has_no_effect_is_said(folder: Folder) -> None:
    for name, text in (("README", "x"), ("a.toml", ""), ("b.toml", HELLO)):
        folder.write(name, text)
    other = Folder(folder.path.parent / "other")
    other.write("b.toml", HELLO)
    assert check_text(load([other.path, folder.path])).splitlines() == [
        f"{folder.path}/a.toml: masks files of the same name: it is empty or a link to /dev/null",
        f"{other.path}/b.toml: replaced: another directory has a file of the same name",
        f"{folder.path}/README: ignored: task files are named *.toml, and do not begin with a dot",
        "1 task, no problems",
    ]


NOON: Final = 1_795_521_600_000_000
"""Tue 2026-11-24 12:00 UTC."""
FIRST: Final = "if they are new, these tasks start"


def told(folder: Folder, when: str, rest: str = "") -> list[str]:
    """What `check` says at noon of a task with this condition, in UTC."""
    text = f'[task.t]\ncommand = ["/bin/true"]\ntimezone = "UTC"\nwhen = """{when}"""\n{rest}\n'
    folder.write("tasks.toml", f'{text}[task.other]\ncommand = ["/bin/true"]\n')
    return check_text(load([folder.path], at=NOON)).splitlines()[:-1]


@pytest.mark.parametrize(
    "when",
    [
        "daily",
        "daily.between('10:00', '13:00')",
        "every('13 days')",
        "every('1 h') & time_of_day.between('10:00', '13:00')",
        "cron('0 3 * * *') | daily",
        "cron('0 3 * * *') | (every('1 h') & ~running('other'))",
        "~cron('0 3 * * *') & daily",
        "daily & ~running('other')",
        "daily & crontime('* 12 * * *')",
        "weekly & ~time_of_day.after('13:00')",
        "daily | retry(3)",
    ],
)
def test_who_would_start_at_once_is_said(folder: Folder, when: str) -> None:
    assert told(folder, when) == [f"{FIRST} at once: t"]


@pytest.mark.parametrize(
    "when",
    [
        "cron('0 3 * * *')",
        "calendar('Sat 09:00') & every('13 days')",
        "daily & cron('0 3 * * *')",
        "daily & (cron('0 3 * * *') | calendar('04:00'))",
        "(daily & cron('0 3 * * *')) | (every('1 h') & calendar('04:00'))",
        "daily.after('13:00')",
        "every('1 h') & time_of_day.after('13:00')",
        "daily & ~time_of_day.between('10:00', '13:00')",
        "daily & crontime('0 3 * * *')",
        "daily & after_success('other')",
        "daily & succeeded('other').today",
        "daily & running('other')",
        "cron('* * * * *', within='10s')",
    ],
)
def test_who_would_not_start_at_once_is_not_mentioned(folder: Folder, when: str) -> None:
    assert not any(line.startswith(FIRST) for line in told(folder, when))
    assert not any(line.startswith(FIRST) for line in told(folder, when, 'on = "startup"'))


def test_what_waits_for_its_splay_or_for_what_is_observed_is_said_apart(folder: Folder) -> None:
    assert told(folder, "daily", 'splay = "4h"') == [f"{FIRST} after their splay: t"]
    assert told(folder, "daily & path_exists('/x')") == [f'{FIRST} as soon as path_exists("/x") holds: t']
    assert told(folder, "daily & path_exists('/x') & time_of_day.after('13:00')") == []
    assert told(folder, "daily", "stop_when = \"time_of_day.before('13:00')\"") == []
    many = "".join(HELLO.replace("hello", f"t{n}").replace("daily", f"daily & path_exists('/{n}')") for n in range(11))
    folder.write("tasks.toml", many)
    (line, _) = check_text(load([folder.path], at=NOON)).splitlines()
    assert line.startswith(f"{FIRST} as soon as what they await is observed: t0, t1, ")


def test_of_many_that_would_start_at_once_some_are_named(folder: Folder) -> None:
    folder.write("b.toml", "".join(HELLO.replace("hello", f"t{number}") for number in range(12)))
    (line, _) = check_text(load([folder.path], at=NOON)).splitlines()
    assert line.endswith(": t0, t1, t2, t3, t4, t5, t6, t7, t8, t9, …")
    assert check_text(load([folder.path])) == "12 tasks, no problems"


def test_warnings_are_counted_apart(folder: Folder) -> None:
    shown = check_text(folder.load('[task.a]\ncommand = ["/none"]\n')).splitlines()
    assert shown[0].endswith("warning: task 'a': there is no program '/none' to execute")
    assert shown[-1] == "1 task, 1 warning"


def test_json_is_one_object_for_each_problem(folder: Folder) -> None:
    loaded = folder.load("[task.a]\n")
    assert check_json(loaded) == [
        {
            "file": f"{folder.path}/tasks.toml",
            "line": 1,
            "column": 7,
            "task": "a",
            "severity": "error",
            "message": "this task has nothing to run",
            "hint": 'add a command, for example command = ["/usr/bin/true"], or a function',
            "source_line": "[task.a]",
            "width": 1,
            "source_column": 1,
        }
    ]


@pytest.mark.parametrize(
    ("content", "line", "column", "message"),
    [
        (b"when = daily\n", 1, 8, "this is not TOML: invalid value"),
        (b"\n[task.a]\n[task.a]\n", 3, 8, "this is not TOML: cannot declare ('task', 'a') twice"),
        (b"a = 1\r\nb = 2\r\na = 3\r\n", 3, 6, "this is not TOML: cannot overwrite a value"),
        (b'a = "x\n', 1, 7, "this is not TOML: illegal character '\\n'"),
        (b"\xef\xbb\xbfa = 1\n", 1, 1, "this is not TOML: invalid statement"),
        (b"# \xc3\xa4\r\na = '\xff'\r\n", 2, 6, "byte 0xff is not UTF-8"),
        (b"a = " + b"[" * 5000, 1, 1, "this is not TOML: arrays or tables are nested too deep"),
        (b"a = " + b"1" * 5000, 1, 1, "this is not TOML: a number has too many digits"),
        (b"[task.a", 1, 8, "this is not TOML: expected ']' at the end of a table declaration"),
    ],
)
def test_what_is_no_toml_says_where(folder: Folder, content: bytes, line: int, column: int, message: str) -> None:
    folder.write("a.toml", "").write_bytes(content)
    (problem,) = folder.load().problems
    assert (problem.line, problem.column) == (line, column)
    assert problem.message == message


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("when = daily\n", 'write strings in quotes: when = "daily"'),
        ("[task.a]\n[task.a]\n", "a file can have a table only once; put its keys together"),
        ("\ufeffa = 1\n", "the file begins with a byte order mark; save it without"),
    ],
)
def test_common_mistakes_get_a_hint(folder: Folder, text: str, hint: str) -> None:
    assert folder.load(text).problems[0].hint == hint


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("task = 1\n", "this must be a table", "write [task.NAME]"),
        ("[task]\na = 1\n", "this must be a table", "write [task.a]"),
        ("defaults = 1\n", "this must be a table", "write [defaults]"),
        ("[backup]\n", "'backup' does not belong in a task file", "write [task.backup]"),
        ("x = 1\n", "'x' does not belong in a task file", ""),
        (
            "[task.a]\ncommand = 1\n",
            "this must be a list of strings, the program and its arguments, not an integer",
            "",
        ),
        (
            '[task.a]\ncommand = ["./run"]\n',
            "'./run' depends on the working directory, and none is set",
            "write an absolute path, or set directory",
        ),
        ("[task.a]\nfunction = 1\n", "this must be a string, not an integer", 'write "1"'),
        (
            '[task.a]\nfunction = "m:f"\nmax_running = 1\n',
            "a task has no key 'max_running'",
            "it is a key of [rocketd]",
        ),
        (
            "[task.a]\ncommand = \"rsync -a 'x y'\"\n",
            "a command that is a string needs shell = true",
            'add shell = true, or write ["rsync", "-a", "x y"]',
        ),
        ('[task.a]\ncommand = "\'"\n', "a command that is a string needs shell = true", "add shell = true"),
        (
            '[task.a]\ncommand = "false | true"\n',
            "a command that is a string needs shell = true",
            "add shell = true",
        ),
        (
            '[task.a]\ncommand = ["true"]\nwhen = "daily after 10"\n',
            '"10" is not a time of day',
            'write "10:00"',
        ),
        ('[task.a]\nfunction = "m:f"\npython = "/none"\n', "there is no program '/none' to execute", ""),
        ('[task.a]\ncommand = ["true"]\ndirectory = "/none"\n', "there is no directory '/none'", ""),
        (
            '[task.a]\ncommand = ["true"]\nenvironment_files = ["-/none", "/none"]\n',
            "there is no file '/none'",
            "if it may be missing, write '-/none'",
        ),
        (
            '[task.a]\ncommand = ["true"]\nenvironment = { PATH = "/none" }\n',
            "there is no program 'true' to execute in /none",
            "",
        ),
    ],
)
def test_says_what_is_wrong_and_what_is_right(folder: Folder, text: str, message: str, hint: str) -> None:
    (problem,) = folder.load(text).problems
    assert (problem.message, problem.hint) == (message, hint)


@pytest.mark.parametrize(
    ("content", "trouble"),
    [
        ("# of a shell\nA=1\nexport B=2\n", "its line export B=… sets no variable B; remove 'export'"),
        ("\tdeclare -x  C=2\n", "its line declare -x  C=… sets no variable C; remove 'declare -x'"),
        ("\ufeffA=1\n", "the file begins with a byte order mark; remove it"),
        ("A='export B=2'\nexported=1\n# export C=1\nexport=2\n", ""),
    ],
)
@pytest.mark.parametrize("sign", ["", "-"])
def test_an_environment_file_that_a_shell_would_read_otherwise(
    folder: Folder, tmp_path: Path, content: str, trouble: str, sign: str
) -> None:
    file = tmp_path / "app.env"
    file.write_text(content)
    found = folder.problems(f'[task.a]\ncommand = ["true"]\nenvironment_files = ["{sign}{file}"]\n')
    assert found == ([f"'{file}' is not read as it is meant: {trouble}"] if trouble else [])


WINDOWS = "the file has Windows line endings"


@pytest.mark.parametrize(
    ("content", "trouble"),
    [
        ("#!/bin/sh\r\necho x\r\n", f"its interpreter '/bin/sh\\r' does not exist: {WINDOWS}"),
        ("#!/usr/bin/env python3\r\n", f"its first line names 'python3\\r': {WINDOWS}"),
        ("#! /no/such -x\n", "its interpreter /no/such does not exist"),
        ("\ufeff#!/bin/sh\n", "the file begins with a byte order mark; remove it"),
    ],
)
@pytest.mark.parametrize("key", ["command", "python"])
def test_a_script_that_cannot_be_executed_is_told_ahead(
    folder: Folder, tmp_path: Path, content: str, trouble: str, key: str
) -> None:
    script = tmp_path / "script"
    script.write_text(content, newline="")
    script.chmod(0o755)
    text = f'command = ["{script}"]' if key == "command" else f'function = "m:f"\npython = "{script}"'
    (problem,) = folder.load(f"[task.a]\n{text}\n").problems
    assert (problem.message, problem.severity) == (f"'{script}' cannot be executed: {trouble}", "warning")


def test_what_is_no_script_or_may_not_be_read_is_not_told_of(folder: Folder, tmp_path: Path) -> None:
    for name, content, mode in (
        ("plain", "x", 0o755),
        ("secret", "#!/no/such\n", 0o711),
        ("relative", "#!sh\n", 0o755),
    ):
        (tmp_path / name).write_text(content)
        (tmp_path / name).chmod(mode)
        assert folder.load(f'[task.a]\ncommand = ["{tmp_path}/{name}"]\n').problems == ()


def test_a_mistake_in_defaults_is_told_once(folder: Folder) -> None:
    tasks = "".join(HELLO.replace("hello", name) for name in ("a", "b", "c"))
    (problem,) = folder.load('[defaults]\nuser = "nobdy"\n' + tasks).problems
    assert (problem.task, problem.line) == ("", 2)


def test_a_bad_condition_is_told_of_each_task_that_has_it(folder: Folder) -> None:
    text = HELLO.replace("daily", "hourley")
    assert [problem.task for problem in folder.load(text + text.replace("hello", "b")).problems] == ["hello", "b"]


@settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.sampled_from(list("[]{}=.,\"'#\n \\t_task.aommnd1x&()é")), max_size=80) | st.binary(max_size=40))
def test_no_file_is_too_strange(folder: Folder, content: str | bytes) -> None:
    """Whatever is in it: tasks, or problems with a place."""
    data = content.encode() if isinstance(content, str) else content
    folder.write("a.toml", "").write_bytes(data)
    loaded = folder.load()
    assert check_text(loaded)
    assert all(problem.line >= 1 and problem.column >= 1 for problem in loaded.problems)


@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(sorted(TASK)), st.sampled_from(VALUES))
def test_no_value_is_too_strange(folder: Folder, key: str, value: str) -> None:
    loaded = folder.load(f'[task.a]\ncommand = ["true"]\n{"" if key == "command" else key + " = " + value}\n')
    assert check_text(loaded)
