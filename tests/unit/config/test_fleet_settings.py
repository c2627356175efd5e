"""`[fleet]` and `hosts`: which tasks are for this host, and what must not be written."""

import os

import pytest

from rocketd.config import reload
from rocketd.config.fleet_settings import FleetSettings
from rocketd.core.instant import MINUTE, SECOND
from support.task_files import Folder, messages, names

TASK = '[task.{}]\ncommand = ["/bin/true"]\nhosts = {}\n'


def test_every_key_of_the_fleet_is_read(folder: Folder) -> None:
    folder.write(
        "rocketd.toml",
        """[fleet]
url = "postgresql://web1@db1,db2/rocketd?sslmode=verify-full"
password_file = "/run/credentials/rocketd.service/fleet"
name = "prod"
host = "web1"
tags = ["web", "eu"]
lease = "3s"
lost_after = "10 min"
output = true
""",
    )
    loaded = folder.load()
    assert messages(loaded) == []
    assert loaded.settings.fleet == FleetSettings(
        "postgresql://web1@db1,db2/rocketd?sslmode=verify-full",
        "/run/credentials/rocketd.service/fleet",
        "prod",
        "web1",
        ("web", "eu"),
        3 * SECOND,
        10 * MINUTE,
        output=True,
    )


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('url = "mysql://db/rocketd"', "this is not the URL of a PostgreSQL database"),
        ('url = "postgresql://me:secret@db/r"', "this must not contain a password: others can read this file"),
        ('url = "postgresql://db/r?password=secret"', "this must not contain a password: others can read this file"),
        ('name = "Prod"', "'Prod' cannot be the name of a fleet"),
        ('host = "web 1"', "'web 1' cannot be the name of a host"),
        ('tags = ["@web"]', "'@web' cannot be a tag"),
        ('url = "postgresql://db/r"\nlease = "1s"', "1s is too short"),
        ('url = "postgresql://db/r"\nlost_after = "59s"', "59s is too short"),
        ('url = "postgresql://db/r"\nlease = "5 min"', "this must be longer than lease"),
        ('url = "postgresql://db/r"\nlease = "25 h"\nlost_after = "2 d"', "this must be a day at most"),
    ],
)
def test_what_cannot_be_is_refused_and_no_password_is_quoted(folder: Folder, line: str, told: str) -> None:
    folder.write("rocketd.toml", f"[fleet]\n{line}\n")
    loaded = folder.load()
    assert told in messages(loaded)
    assert not loaded.settings_valid
    assert all("secret" not in str(problem) for problem in loaded.problems)


def test_a_password_is_not_quoted_in_a_line_that_is_no_toml(folder: Folder) -> None:
    folder.write("rocketd.toml", '[fleet]\nurl = "postgresql://me:secret@db/r" or so\n')
    (problem,) = folder.load().problems
    assert "me:******@db" in str(problem)


def test_a_task_is_loaded_only_on_its_hosts(folder: Folder) -> None:
    folder.write("rocketd.toml", '[fleet]\nhost = "web1"\ntags = ["eu"]\n')
    folder.write("a.toml", TASK.format("here", '["web*", "!web9"]') + TASK.format("tagged", '["@eu"]'))
    folder.write("b.toml", TASK.format("there", '["db*"]') + TASK.format("all", "[]"))
    loaded = folder.load()
    assert (names(loaded), messages(loaded)) == (["here", "tagged", "all"], [])
    assert [(one.task.name, one.line, one.elsewhere) for one in loaded.disabled] == [("there", 1, True)]


def test_without_a_fleet_the_name_is_that_of_the_machine(folder: Folder) -> None:
    loaded = folder.load(TASK.format("here", f'["{os.uname().nodename}"]') + TASK.format("there", '["!*"]'))
    assert names(loaded) == ["here"]


def test_two_files_may_have_a_task_of_one_name_for_different_hosts(folder: Folder) -> None:
    folder.write("rocketd.toml", '[fleet]\nhost = "web1"\n')
    folder.write("a.toml", TASK.format("backup", '["db*"]'))
    folder.write("b.toml", TASK.format("backup", '["web*"]'))
    loaded = folder.load()
    assert [(task.name, task.file) for task in loaded.tasks] == [("backup", str(folder.path / "b.toml"))]
    assert (messages(loaded), loaded.disabled) == ([], ())


def test_what_this_host_lacks_does_not_matter_for_tasks_of_other_hosts(folder: Folder) -> None:
    elsewhere = 'hosts = ["!*"]\nuser = "nobody-here"\ndirectory = "/none"\n'
    assert messages(folder.load('[task.a]\ncommand = ["/none"]\n' + elsewhere)) == []
    assert messages(folder.load('[task.a]\ncommand = ["/none"]\nwhen = "dayly"\n' + elsewhere)) != []


def test_a_condition_about_a_task_of_other_hosts_says_so(folder: Folder) -> None:
    folder.write("a.toml", TASK.format("there", '["!*"]'))
    loaded = folder.load('[task.next]\ncommand = ["/bin/true"]\nwhen = "after_success(\'there\')"\n')
    assert messages(loaded) == ["task 'there' is for other hosts (its hosts)"]


def test_tags_count_at_the_next_reload_in_files_that_have_not_changed(folder: Folder) -> None:
    folder.write("a.toml", TASK.format("tagged", '["@eu"]'))
    loaded = folder.load()
    assert names(loaded) == []
    folder.write("rocketd.toml", '[fleet]\ntags = ["eu"]\n')
    assert names(reload(loaded)) == ["tagged"]


@pytest.mark.parametrize("pattern", ["", "web 1", "!", "@", "!@", "web[12]", "a" * 70, "@a*"])
def test_bad_patterns_are_refused(folder: Folder, pattern: str) -> None:
    loaded = folder.load(TASK.format("a", f'["{pattern}"]'))
    assert names(loaded) == []
    assert messages(loaded) != []
