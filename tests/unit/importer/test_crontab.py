"""crontab(5), line by line: both forms, variables and their scope, `%`, and what is not an entry."""

import pytest

from rocketd.importer.crontab import CrontabEntry, InvalidLine, has_user_column, read_crontab

TABLE = """\
# m h dom mon dow user  command
SHELL = /bin/bash
 PATH="/usr/local/bin:/usr/bin"
MAILTO=''

17 *\t* * *\troot    cd / && run-parts --report /etc/cron.hourly
'OWNER NAME' = x
@weekly  backup  tar cf /b.tar /srv
-*/5 * * * * root quiet
"""


def entries(text: str, *, with_user: bool = False) -> list[CrontabEntry]:
    read = list(read_crontab(text, with_user=with_user))
    assert all(isinstance(one, CrontabEntry) for one in read)
    return [one for one in read if isinstance(one, CrontabEntry)]


def test_a_table_with_users() -> None:
    hourly, weekly, quiet = entries(TABLE, with_user=True)
    assert (hourly.line, hourly.fields, hourly.user) == (6, "17 * * * *", "root")
    assert hourly.command == "cd / && run-parts --report /etc/cron.hourly"
    assert (weekly.fields, weekly.user, weekly.command) == ("@weekly", "backup", "tar cf /b.tar /srv")
    assert quiet.unlogged
    assert quiet.fields == "*/5 * * * *"


def test_a_variable_counts_for_the_lines_below_it() -> None:
    hourly, weekly, _ = entries(TABLE, with_user=True)
    assert hourly.environment == {"SHELL": "/bin/bash", "PATH": "/usr/local/bin:/usr/bin", "MAILTO": ""}
    assert weekly.environment == {**hourly.environment, "OWNER NAME": "x"}


@pytest.mark.parametrize(
    ("written", "command", "stdin"),
    [
        ("mail -s x root%Hello,%%Bye%", "mail -s x root", "Hello,\n\nBye\n"),
        ("cat%one line", "cat", "one line\n"),
        ("cat%", "cat", ""),
        (r"date +\%F", "date +%F", ""),
        (r"date +\%F%in\%put", "date +%F", "in%put\n"),
        ("A=1 run", "A=1 run", ""),
        (r"echo \\%in", r"echo \\", "in\n"),  # the second backslash belongs to the first
        (r"echo a\\b \\\%F%in\\%put", r"echo a\\b \\%F", "in\\%put\n"),  # in the input, each stands for itself
        ("cat \\", "cat \\", ""),
    ],
)
def test_a_percent_sign_begins_the_input(written: str, command: str, stdin: str) -> None:
    (entry,) = entries(f"0 3 * * * {written}\n")
    assert (entry.command, entry.stdin) == (command, stdin)


@pytest.mark.parametrize("line", ["0 3 * * *", "@daily", "hello world", "0 3 * * * root"])
def test_a_line_without_a_command_is_not_an_entry(line: str) -> None:
    (one,) = read_crontab(line, with_user=True)
    assert isinstance(one, InvalidLine)
    assert one.text == line


@pytest.mark.parametrize(
    ("line", "with_user", "why"),
    [
        ("0 */5 * * * * /bin/x", False, "* is a sixth field, where cron reads the command"),
        ("0 0 3 * * 1-5 /bin/x", False, "1-5 is a sixth field"),
        ("0 0 3 * * */2 root /bin/x", True, "*/2 is a sixth field, where cron reads the user"),
        ("0 0 12 1 1 ? 2027 /bin/x", False, "? is a sixth field"),
        ("0 3 * * * 7z a /b.7z /srv", False, ""),
        ("0 3 * * * /bin/7 a", False, ""),
        ("0 3 * * * [ -x /bin/a ] && /bin/a", False, ""),
    ],
)
def test_a_line_with_seconds_is_not_a_command_that_begins_with_a_star(line: str, *, with_user: bool, why: str) -> None:
    (one,) = read_crontab(line, with_user=with_user)
    assert why in one.why if isinstance(one, InvalidLine) else not why


def test_a_line_with_seconds_does_not_hide_the_column_for_the_user() -> None:
    text = "0 3 * * * root /bin/x\n*/10 * * * * * root /bin/y\n"
    assert has_user_column(text, {"root"}, bool)


def test_the_form_of_a_table_is_found_by_the_names_of_users() -> None:
    assert has_user_column("0 3 * * * root /bin/x\n@daily backup y z\n", {"root", "backup"}, bool)
    assert not has_user_column("0 3 * * * root /bin/x\n0 4 * * * /bin/y --all\n", {"root"}, bool)
    assert not has_user_column("", {"root"}, bool)


@pytest.mark.parametrize(
    ("text", "has_it"),
    [
        ("0 3 * * * root /bin/x\n0 4 * * * gone /bin/y\n", True),
        ("0 3 * * * gone /bin/x\n0 4 * * * www-gone /bin/y\n0 5 * * * root z\n", False),  # most are not known
        ("0 3 * * * mail root\n0 4 * * * rsync /a /b\n", False),  # mail is a user as well, rsync a program
        ("0 3 * * * mail -s done root\n", False),
        ("0 3 * * * root /bin/x\n0 4 * * * cd /srv\n", False),
        ("0 3 * * * root /bin/x\n0 4 * * * $HOME/bin/y all\n", False),
    ],
)
def test_the_user_of_a_line_may_be_gone(text: str, *, has_it: bool) -> None:
    assert has_user_column(text, {"root", "mail"}, {"rsync", "mail"}.__contains__) is has_it
