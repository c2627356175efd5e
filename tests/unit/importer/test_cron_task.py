"""An entry of a crontab becomes a task: in the forms that packages install, and those of the manuals."""

import tomllib
from pathlib import Path

import pytest

from rocketd.config import load
from rocketd.importer.cron_task import cron_task
from rocketd.importer.crontab import CrontabEntry, read_crontab
from rocketd.importer.shell_text import idle_under_systemd, program_of, separators, without_guards
from rocketd.importer.task_draft import ImportedFile, NotImported, TaskDraft
from rocketd.importer.task_file_text import task_file_text
from rocketd.importer.task_names import name_tasks


def drafts(text: str, *, with_user: bool = True, user: str = "") -> list[TaskDraft | NotImported]:
    return [
        cron_task(entry, f"/t:{entry.line}", user)
        for entry in read_crontab(text, with_user=with_user)
        if isinstance(entry, CrontabEntry)
    ]


def draft(text: str) -> TaskDraft:
    (one,) = drafts(text)
    assert isinstance(one, TaskDraft), one
    return one


@pytest.mark.parametrize(
    ("line", "when", "settings"),
    [
        (
            "17 *  * * *  root  cd / && run-parts --report /etc/cron.hourly",
            "cron('17 * * * *')",
            {"directory": "/", "command": ["run-parts", "--report", "/etc/cron.hourly"]},
        ),
        (
            "25 6 * * * root test -x /usr/sbin/anacron || ( cd / && run-parts --report /etc/cron.daily )",
            "cron('25 6 * * *') & ~path_exists('/usr/sbin/anacron')",
            {"directory": "/", "command": ["run-parts", "--report", "/etc/cron.daily"]},
        ),
        (
            "25 6 * * * root test -x /usr/sbin/anacron || { cd / && run-parts /etc/cron.daily; }",
            "cron('25 6 * * *') & ~path_exists('/usr/sbin/anacron')",
            {"directory": "/", "command": ["run-parts", "/etc/cron.daily"]},
        ),
        (
            "09,39 * * * * root [ -x /opt/clean ] && /opt/clean --all",
            "cron('09,39 * * * *') & path_exists('/opt/clean')",
            {"command": ["/opt/clean", "--all"]},
        ),
        (
            "57 0 * * 0 root if [ -x /opt/check ] && [ $(date +\\%d) -le 7 ]; then /opt/check --all; fi",
            "cron('57 0 * * 0')",
            {"command": "if [ -x /opt/check ] && [ $(date +%d) -le 7 ]; then /opt/check --all; fi", "shell": True},
        ),
        (
            "5-55/10 * * * * root command -v sa1 > /dev/null && sa1 1 1",
            "cron('5-55/10 * * * *')",
            {"command": "command -v sa1 > /dev/null && sa1 1 1", "shell": True},
        ),
        ("@midnight root LANG=C x", "cron('@midnight')", {"command": "LANG=C x", "shell": True}),
        ("0 4 8-14 * 6 root x", "cron('0 4 8-14 * 6')", {"command": ["x"]}),
    ],
)
def test_lines_of_packages_and_manuals(line: str, when: str, settings: dict[str, object]) -> None:
    one = draft(line)
    assert one.when == when
    assert one.settings == {**settings, "user": "root"}


def test_a_job_at_boot() -> None:
    one = draft("@reboot root /opt/x")
    assert (one.when, one.settings["on"]) == ("", "boot")
    assert one.old.unlike


@pytest.mark.parametrize(
    "command",
    [
        "test -e /run/systemd/system || SERVICE_MODE=1 /sbin/x -A -r",
        "[ -d /run/systemd/system ] || x",
        "[ -x /etc/init.d/x ] && if [ ! -d /run/systemd/system ]; then invoke-rc.d x start >/dev/null; fi",
        "test -x /usr/bin/x -a \\! -d /run/systemd/system && x -q",
        "if [ ! -d /run/systemd/system ] && [ -x /x ] ; then /x ; fi",
    ],
)
def test_what_does_nothing_under_systemd_is_disabled_and_says_so(command: str) -> None:
    one = draft(f"0 3 * * * root {command}")
    assert one.settings["enabled"] is False
    assert any("systemd" in note for note in one.notes)


@pytest.mark.parametrize(
    "command",
    [
        "[ -d /run/systemd/system ] && x",
        "[ -d /run/systemd/system ] || x; y",
        "if [ ! -d /run/systemd/system ]; then x; fi; y",
    ],
)
def test_what_does_something_under_systemd_is_not(command: str) -> None:
    assert not idle_under_systemd(command)


@pytest.mark.parametrize(
    "command",
    ["[ -x /a ] && b; c", "test -x /a && b || c", "test -x /a || b && c", "[ -x /a ] && b & c", "[ -x $A ] && b"],
)
def test_a_test_that_does_not_guard_all_of_the_rest_stays(command: str) -> None:
    assert without_guards(command) == (command, ())


def test_separators_in_quotes_and_groups_do_not_count() -> None:
    assert separators("a 'x;y' \"z && w\" $(b; c) { d || e; } \\;") == set()
    assert separators("if a; then b; fi && c | d") == {"&&", "|"}


def test_a_zone_a_random_delay_and_mail() -> None:
    one = draft("CRON_TZ=Europe/Helsinki\nRANDOM_DELAY=45\nMAILTO=ops@example.org, root\n0 3 * * * root x\n")
    assert one.settings["timezone"] == "Europe/Helsinki"
    assert one.settings["splay"] == "45 min"
    assert one.settings["mail"] == {"receivers": ["ops@example.org", "root"]}
    assert any("CRON_TZ" in note for note in one.notes)
    assert draft("MAILTO=\n0 3 * * * root x").settings["mail"] == {"on": []}


def test_a_random_minute_becomes_a_splay() -> None:
    one = draft("0~59 3 * * * root x")
    assert (one.when, one.settings["splay"]) == ("cron('0 3 * * *')", "1 h")
    assert one.old.unlike
    assert any("~" in note for note in one.notes)


def test_shell_home_and_input() -> None:
    one = draft("SHELL=/bin/bash\nHOME=/srv\nA=1\n0 3 * * * root cat <(x)%in%put")
    assert one.settings["command"] == ["/bin/bash", "-c", "{ cat <(x)\n} <<'END'\nin\nput\nEND\n"]
    assert one.settings["directory"] == "/srv"
    assert one.environment == {"A": "1", "HOME": "/srv"}


@pytest.mark.parametrize(
    ("shell", "command"),
    [
        ("/bin/bash", ["x", "a"]),
        ("/usr/bin/zsh", ["x", "a"]),
        ("/bin/false", ["/bin/false", "-c", "x a"]),
        ("/usr/bin/python3", ["/usr/bin/python3", "-c", "x a"]),
    ],
)
def test_a_plain_command_is_left_to_what_is_not_a_shell(shell: str, command: list[str]) -> None:
    assert draft(f"SHELL={shell}\n0 3 * * * root x a").settings["command"] == command


def test_fields_that_cannot_be_read_are_reported_with_their_line() -> None:
    (one,) = drafts("61 3 * * * root x")
    assert isinstance(one, NotImported)
    assert "61" in one.why


@pytest.mark.parametrize(
    ("command", "program"),
    [
        ("cd / && run-parts --report /etc/cron.daily", "cron.daily"),
        ("[ -x /usr/lib/php/sessionclean ] && if [ ! -d /x ]; then /usr/lib/php/sessionclean; fi", "sessionclean"),
        ("nice -n10 /opt/a.sh --x", "a"),
        ("FOO=1 /opt/b", "b"),
        ("$HOME/bin/job", "job"),
    ],
)
def test_a_task_is_named_after_its_program(command: str, program: str) -> None:
    assert program_of(command) == program


def test_names_are_unique_and_begin_with_their_source() -> None:
    found = drafts("0 1 * * * root /x/a\n0 2 * * * root /x/a\n0 3 * * * root /x/b\n")
    tasks = [one for one in found if isinstance(one, TaskDraft)]
    name_tasks(tasks, "web", {"web-b"})
    assert [one.name for one in tasks] == ["web-a", "web-a-2", "web-b-2"]


def test_the_file_is_good_toml_with_the_original_lines_as_comments(tmp_path: Path) -> None:
    lines = [
        "PATH=/usr/bin:/bin",
        r"0 3 * * * root printf '%s\n' \"a\" 'it''s' > /dev/null",
        "0 4 * * * root cat%one%two",
        "*/5 * * * * nobody [ -x /opt/x ] && /opt/x \t\x07 y",
    ]
    file = ImportedFile("/etc/crontab", "crontab", ["A sentence."], rejected=[NotImported("/t:9", "??", "no")])
    file.drafts = [one for one in drafts("\n".join(lines)) if isinstance(one, TaskDraft)]
    name_tasks(file.drafts, "", set())
    text = task_file_text(file)
    assert tomllib.loads(text)["defaults"] == {"environment": {"PATH": "/usr/bin:/bin"}}
    assert all(f"#   {line}".replace("\x07", "\\x07") in text for line in lines[1:])
    assert "# NOT IMPORTED: /t:9: no" in text
    (tmp_path / "crontab.toml").write_text(text)
    loaded = load([tmp_path], strict=False)
    assert [problem for problem in loaded.problems if problem.severity == "error"] == []
    assert len(loaded.tasks) == 3
