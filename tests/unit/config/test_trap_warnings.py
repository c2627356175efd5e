"""`check` warns of what does as it says and still causes trouble; each warning can be ignored."""

from pathlib import Path

import pytest

from rocketd.config import load
from rocketd.config.ignored_warnings import WARNINGS
from rocketd.core.model.task import Command, Task
from rocketd.importer.duplicates import duplicates
from rocketd.importer.sources import ImportRequest

NOW = 1_795_514_400_000_000


def warnings(place: Path, text: str) -> list[str]:
    (place / "a.toml").write_text(text)
    loaded = load([place], strict=False, at=NOW)
    assert not [one for one in loaded.problems if one.severity == "error"], loaded.problems
    return [f"{one.task}: {one.message}" for one in loaded.problems if one.severity == "warning"]


def task(command: str, more: str = "") -> str:
    return f"[task.a]\ncommand = '{command}'\nshell = true\nwhen = \"daily\"\n{more}\n"


@pytest.mark.parametrize(
    "command",
    [
        "curl -fsS https://example.org",
        "cd /x && /usr/bin/wget -q https://example.org",
        "ssh web2 true",
        "rsync -a /srv backup.example.org:/srv",
        "rsync -a /srv rsync@backup::srv",
    ],
)
def test_a_network_without_a_timeout(tmp_path: Path, command: str) -> None:
    assert any("talks to a network" in one for one in warnings(tmp_path, task(command)))
    assert warnings(tmp_path, task(command, 'timeout = "1h"')) == []
    assert warnings(tmp_path, task(command, 'ignore_warnings = ["timeout"]')) == []


@pytest.mark.parametrize(
    "command",
    [
        "rsync -a /srv /mnt",
        "/opt/curl-report",
        "timeout 60 ssh web2 true",
        "curl --max-time 20 https://x",
        "cat /etc/ssh/x",
    ],
)
def test_what_does_not_talk_to_a_network_or_has_a_limit(tmp_path: Path, command: str) -> None:
    assert warnings(tmp_path, task(command)) == []


@pytest.mark.parametrize(
    "command",
    ["apt-get -y dist-upgrade", "apt update && apt -y upgrade", "unattended-upgrade", "dpkg -i x.deb", "dnf -y update"],
)
def test_an_upgrade_that_would_end_its_own_run(tmp_path: Path, command: str) -> None:
    process = 'executor = "process"'
    assert any("in the middle" in one for one in warnings(tmp_path, task(command, process)))
    assert warnings(tmp_path, task(command, 'executor = "unit"')) == []
    assert warnings(tmp_path, task(command, f'{process}\nignore_warnings = ["upgrade"]')) == []


def many(count: int, more: str = "") -> str:
    one = "[task.t{0}]\ncommand = ['/bin/true']\nwhen = \"cron('0 3 * * *') & load_below(2.0)\"\n"
    return f"[defaults]\n{more}\n" + "".join(one.format(number) for number in range(count))


def test_many_tasks_at_one_moment(tmp_path: Path) -> None:
    (found,) = warnings(tmp_path, many(21))
    assert found.startswith("t0: 21 tasks start at ")
    assert warnings(tmp_path, many(20)) == []
    assert warnings(tmp_path, many(30, 'splay = "10 min"')) == []
    assert warnings(tmp_path, many(30, 'ignore_warnings = ["crowd"]')) == []


@pytest.mark.parametrize(
    ("when", "name"),
    [
        ("time_of_day.after('03:00')", "repeats"),
        ("daily.between('01:00', '05:00') & time_of_day.after('06:00')", "never"),
    ],
)
def test_the_other_warnings_can_be_ignored_as_well(tmp_path: Path, when: str, name: str) -> None:
    text = f'[task.a]\ncommand = ["/bin/true"]\nwhen = "{when}"\n'
    assert len(warnings(tmp_path, text)) == 1
    assert warnings(tmp_path, f'{text}ignore_warnings = ["{name}"]\n') == []


def test_a_name_that_no_warning_has_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(task("true", 'ignore_warnings = ["noise"]'))
    (problem,) = load([tmp_path], strict=False, at=NOW).problems
    assert problem.severity == "error"
    assert all(name in f"{problem.message} {problem.hint}" for name in WARNINGS[:1])


def test_a_command_that_still_stands_in_a_crontab(tmp_path: Path) -> None:
    (tmp_path / "web").write_text(
        "0 3 * * * root [ -x /bin/true ] && /bin/true  --all\n0 4 * * * root cd /x; y\n#rocketd# 0 5 * * * root z\n"
    )
    tasks = [
        Task("same", Command(("/bin/true", "--all"))),
        Task("shell", Command(("/bin/sh", "-c", "cd /x; y"))),
        Task("other", Command(("/bin/true",))),
        Task("off", Command(("z",))),
    ]
    found = {one.name: origin for one, origin in duplicates(tasks, [ImportRequest(cron_directories=(str(tmp_path),))])}
    assert found == {"same": f"{tmp_path}/web:1", "shell": f"{tmp_path}/web:2"}
