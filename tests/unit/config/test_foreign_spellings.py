"""Whoever brings keys or files of another scheduler along is told what to write here, and that is accepted."""

import pytest

from rocketd.config.foreign_spellings import _HINTS, OF_TIMERS, foreign_key_hint
from rocketd.config.task_settings import TASK
from support.task_files import Folder

CRONTAB = "rocketctl import --crontab FILE makes task files of a crontab"
REPLACED = ("command", "function")


@pytest.mark.parametrize(
    "line", sorted({hint.removeprefix("write ") for hint in _HINTS.values() if hint.startswith("write ")})
)
def test_what_a_hint_says_is_accepted(folder: Folder, line: str) -> None:
    line = line.partition("; ")[0].partition(", and [")[0].replace("/srv/data", "/").replace('"backup"', '"root"')
    line = line.replace("/etc/default/program", "-/etc/default/program").replace("…", "x")
    command = "" if line.startswith(REPLACED) else 'command = ["/bin/true"]\n'
    problems = folder.load(f'[task.other]\ncommand = ["/bin/true"]\n[task.a]\n{command}{line}\n').problems
    missing = ("no task 'name'", "there is no program", "[webhook.NAME]", "there is no time zone")
    assert not [
        problem
        for problem in problems
        if problem.severity == "error" and not any(word in f"{problem.message} {problem.hint}" for word in missing)
    ]


def test_no_key_of_a_task_is_foreign() -> None:
    assert not [key for key in TASK if foreign_key_hint(key)]


@pytest.mark.parametrize(
    ("key", "hint"),
    [
        ("run_as", 'write user = "backup"'),
        ("run-as", 'write user = "backup"'),
        ("OnCalendar", "write when = \"calendar('*-*-* 03:00')\""),
        ("startingDeadlineSeconds", "write when = \"cron('0 3 * * *', within='10 min')\""),
        ("MemoryHigh", "a setting of systemd belongs into the table unit: unit = { MemoryHigh = … }"),
        ("tiemout", "did you mean timeout?"),
        ("name", "the name of a task is in its header, [task.NAME]"),
    ],
)
def test_a_key_of_another_scheduler_gets_its_equivalent(folder: Folder, key: str, hint: str) -> None:
    for section in ("task.a", "defaults"):
        problems = folder.load(f'[{section}]\n{key} = "x"\n').problems
        assert [problem.hint for problem in problems if f"no key '{key}'" in problem.message] == [hint]


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("*/5 * * * * root /usr/bin/x\n", CRONTAB),
        ("# m h dom mon dow command\n0 3 * * Mon root /usr/bin/x\n", CRONTAB),
        ("@daily root /usr/bin/x\n", CRONTAB),
        ("[Unit]\nDescription=a backup\n[Service]\nExecStart=/usr/bin/x\n", OF_TIMERS),
        ("[task.a]\nwhen = 5 * * * * x\n", "it"),
        ("0 3 * *\n", "it"),
    ],
)
def test_a_file_of_another_scheduler_is_recognized(folder: Folder, text: str, hint: str) -> None:
    (problem,) = folder.load(text).problems
    assert problem.message.startswith("this is not TOML")
    assert problem.hint == hint or (hint == "it" and "import" not in problem.hint)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ('[job.x]\ncommand = ["/bin/true"]\n', "write [task.x]"),
        ('[tasks.x]\ncommand = ["/bin/true"]\n', "write [task.x]"),
        ('[x]\ncommand = ["/bin/true"]\n', "write [task.x]"),
        ('[x.environment]\nA = "b"\n', "write [task.x]"),
        ('[[tasks]]\nname = "x"\n', "write [task.NAME] above each task"),
        ('MAILTO = "root"\n', 'write mail = { receivers = ["root"], on = ["fail"] }'),
        ('user = "root"\n', "write user below [task.NAME], or for all tasks of the file below [defaults]"),
        ('[Service]\nExecStart = "/bin/true"\n', OF_TIMERS),
        ('[task]\ncommand = ["/bin/true"]\n', "write [task.NAME]"),
        ('[default]\nuser = "root"\n', "did you mean defaults?"),
    ],
)
def test_a_header_of_another_form_gets_the_right_one(folder: Folder, text: str, hint: str) -> None:
    assert hint in [problem.hint for problem in folder.load(text).problems]
