"""Loading gives tasks and problems; a bad file takes no other down, and keeps its last good tasks at reload."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from rocketd.config.loader import load, load_settings, reload
from rocketd.config.mail_settings import MailSettings, Tls
from rocketd.core.instant import HOUR, MINUTE, SECOND
from rocketd.core.model.condition import FALSE
from rocketd.core.model.task import Command, Function, Mail, On, Overlap, Surroundings, Task
from support.task_files import HELLO, NOBODY, Folder, being, file_of, messages, names, outcome, root_only

HELSINKI = '[rocketd]\ntimezone = "Europe/Helsinki"\n'


def around(task: Task) -> Surroundings:
    """What its process will find; files have no other tasks than those with processes."""
    assert isinstance(task.work, Command | Function)
    return task.work.surroundings


def test_a_task_has_the_defaults_of_the_reference(folder: Folder) -> None:
    (task,) = folder.load('[task.a]\ncommand = ["/bin/true"]\n').tasks
    assert task.when == task.stop_when == FALSE
    assert (task.timeout, task.kill_grace, task.restart_delay, task.splay) == (None, 10 * SECOND, SECOND, 0)
    assert (task.overlap, task.on, task.mutex, task.priority) == (Overlap.WAIT, None, "", 0)
    assert (task.crash_limit, task.output_tail, task.description) == (3, 16 * 1024, "")
    assert task.file == str(folder.path / "tasks.toml")
    assert task.work == Command(("/bin/true",), surroundings=Surroundings(timezone=around(task).timezone))


@root_only
def test_every_key_reaches_the_task(folder: Folder) -> None:
    (task,) = folder.load("""
[task.a]
command = "true | false"
shell = true
description = "Nothing"
tags = ["db", "nightly", "db"]
when = "true"
stop_when = "~true"
timeout = "1h"
kill_grace = "1 min"
overlap = "replace"
restart_delay = "0s"
crash_limit = 1
mutex = "m"
priority = -3
on = "boot"
splay = "2s"
timezone = "Asia/Kathmandu"
user = "nobody"
group = "tty"
directory = "/usr"
umask = "0077"
nice = 5
limits = { core = 0 }
environment = { A = "1" }
environment_files = ["/etc/hostname", "-/none"]
success_codes = [1]
inaction_codes = [2]
output_tail = "1 KiB"
output_limit = "2 MiB"
output_file = "/var/log/{task}-%F.log"
separate_stderr = true
parameters = { x = 1 }
""").tasks
    work = task.work
    assert isinstance(work, Command)
    assert (work.argv, work.stdin) == (("/bin/sh", "-c", "true | false"), '{"x": 1}')
    assert (work.success_codes, work.inaction_codes) == (frozenset({1}), frozenset({2}))
    around = work.surroundings
    assert around.identity is not None
    assert (around.identity.name, around.directory, around.umask, around.nice) == ("nobody", "/usr", 0o77, 5)
    assert (around.environment, around.environment_files) == ((("A", "1"),), ("/etc/hostname", "-/none"))
    assert (len(around.limits), around.timezone) == (1, "Asia/Kathmandu")
    assert (str(task.when), str(task.stop_when)) == ("true", "~true")
    assert (task.timeout, task.kill_grace, task.restart_delay, task.splay) == (HOUR, MINUTE, 0, 2 * SECOND)
    assert (task.overlap, task.on, task.mutex, task.priority) == (Overlap.REPLACE, On.BOOT, "m", -3)
    assert (task.crash_limit, task.output_tail, task.description) == (1, 1024, "Nothing")
    assert task.tags == ("db", "nightly")
    assert (task.zone_name, str(task.zone)) == ("Asia/Kathmandu", "Asia/Kathmandu")
    assert (task.output_limit, task.output_file, task.separate_stderr) == (2 << 20, "/var/log/{task}-%F.log", True)


def test_a_function_with_its_interpreter(folder: Folder) -> None:
    text = '[task.a]\nfunction = "m:f"\npython = "/bin/sh"\nparameters = { x = 1 }\n[task.b]\nfunction = "m:f"\n'
    first, second = (task.work for task in folder.load(text).tasks)
    assert isinstance(first, Function)
    assert (first.path, first.python, first.parameters) == ("m:f", "/bin/sh", '{"x": 1}')
    assert isinstance(second, Function)
    assert (second.python, second.parameters) == ("", "{}")


def test_a_program_beside_its_working_directory(folder: Folder) -> None:
    text = '[task.a]\ncommand = ["./sh", "-c", ""]\ndirectory = "/bin"\n'
    loaded = folder.load(text)
    (task,) = loaded.tasks
    assert isinstance(task.work, Command)
    assert task.work.argv == ("/bin/./sh", "-c", "")
    assert loaded.problems == ()


def test_a_program_may_be_found_by_what_a_file_of_variables_says(folder: Folder) -> None:
    assert folder.problems('[task.a]\ncommand = ["none"]\nenvironment_files = ["/etc/hostname"]\n') == []


def test_no_descriptor_stays_open(folder: Folder) -> None:
    folder.write("a.toml", "[")
    folder.write("b.toml", HELLO).chmod(0o666)
    (folder.path / "c.toml").mkdir()
    before = sorted(Path("/proc/self/fd").iterdir())
    load([folder.path, folder.path / "none", folder.path / "a.toml"])
    assert sorted(Path("/proc/self/fd").iterdir()) == before


def test_defaults_of_a_file_are_for_its_tasks_alone(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "tasks")
    folder.write("a.toml", '[defaults]\npriority = 5\ntimeout = "1h"\n[task.a]\ncommand = ["true"]\npriority = 6\n')
    folder.write("b.toml", '[task.b]\ncommand = ["true"]\n')
    first, second = folder.load().tasks
    assert (first.priority, first.timeout) == (6, HOUR)
    assert (second.priority, second.timeout) == (0, None)


def test_a_tag_is_named_as_a_task_is(folder: Folder) -> None:
    (problem,) = folder.problems('[task.a]\ncommand = ["true"]\ntags = ["db", "a b"]\n')
    assert "'a b' cannot be a tag" in str(problem)
    (problem,) = folder.problems('[task.a]\ncommand = ["true"]\ntags = "db"\n')
    assert "a list of strings" in str(problem)
    many = ", ".join(f'"t{number}"' for number in range(101))
    (problem,) = folder.problems(f'[task.a]\ncommand = ["true"]\ntags = [{many}]\n')
    assert "at most 100 tags" in str(problem)


def test_tags_of_a_task_replace_those_of_defaults(folder: Folder) -> None:
    text = '[defaults]\ntags = ["db"]\n[task.a]\ncommand = ["true"]\n[task.b]\ncommand = ["true"]\ntags = []\n'
    assert [task.tags for task in folder.load(text).tasks] == [("db",), ()]


def test_environment_and_limits_are_joined_with_those_of_defaults(folder: Folder) -> None:
    (task,) = folder.load("""
[defaults]
environment = { A = "1", B = "1" }
limits = { core = 0, nofile = 1 }
[task.a]
command = ["true"]
environment = { B = "2", C = "2" }
limits = { nofile = 2 }
""").tasks
    assert around(task).environment == (("A", "1"), ("B", "2"), ("C", "2"))
    assert [limit.soft for limit in around(task).limits] == [0, 2]


def test_a_task_can_undo_what_the_defaults_of_its_file_say(folder: Folder) -> None:
    defaults = '[defaults]\ntimeout = "1h"\nmutex = "m"\non = "boot"\nsplay = "1h"\nstop_when = "daily"\n'
    undone = 'timeout = "infinity"\nmutex = ""\non = ""\nsplay = "0s"\nstop_when = "false"\n'
    (task,) = folder.load(f'{defaults}[task.a]\ncommand = ["true"]\n{undone}').tasks
    assert (task.timeout, task.mutex, task.on, task.splay, task.stop_when) == (None, "", None, 0, FALSE)


def test_defaults_for_commands_do_not_disturb_functions(folder: Folder) -> None:
    text = '[defaults]\nsuccess_codes = [1]\nshell = true\n[task.a]\nfunction = "m:f"\n[task.b]\ncommand = ["true"]\n'
    assert folder.problems(text) == []


def test_a_disabled_task_is_checked_and_not_loaded(folder: Folder) -> None:
    loaded = folder.load('[task.a]\ncommand = ["true"]\nenabled = false\n')
    assert (names(loaded), messages(loaded)) == ([], [])
    assert [(one.task.name, one.line) for one in loaded.disabled] == [("a", 1)]
    assert folder.problems("[task.a]\ncommand = []\nenabled = false\n") == ["the program to run is missing"]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('\n# [task.a]\n [ task . a ] # x\ncommand = ["true"]\nenabled = false\n', 3),
        ('[task.b]\ncommand = ["true"]\n[task."a.b"]\ncommand = ["true"]\nenabled = false\n', 3),
        ("[task]\n\na = { command = ['true'], enabled = false }\n", 3),
        ("task.a.command = ['true']\ntask.a.enabled = false\n", 1),
        ("[defaults]\nenabled = false\n[task.b]\ncommand = ['true']\nenabled = true\n[task.a]\ncommand=['true']", 6),
    ],
)
def test_a_disabled_task_is_found_however_it_is_written(folder: Folder, text: str, line: int) -> None:
    (disabled,) = folder.load(text).disabled
    assert disabled.line == line


def test_which_tasks_are_disabled_is_found_out_once_a_load(folder: Folder) -> None:
    """Each verb about one task asks for it, and to find out takes as long as there are tasks."""
    loaded = folder.load('[task.a]\ncommand = ["true"]\nenabled = false\n')
    assert loaded.disabled is loaded.disabled


def test_a_name_that_is_disabled_here_and_loaded_from_there_is_loaded(folder: Folder) -> None:
    folder.write("b.toml", '[task.a]\ncommand = ["true"]\n')
    loaded = folder.load('[task.a]\ncommand = ["true"]\nenabled = false\n')
    assert (names(loaded), loaded.disabled) == (["a"], ())


def test_a_file_that_breaks_keeps_its_disabled_tasks(folder: Folder) -> None:
    loaded = folder.load('[task.a]\ncommand = ["true"]\nenabled = false\n')
    folder.write("tasks.toml", "this is no TOML")
    assert [one.task.name for one in reload(loaded).disabled] == ["a"]


def test_equal_things_are_one_object(folder: Folder) -> None:
    """A hundred thousand tasks would fill the memory otherwise."""
    text = HELLO.replace("daily", "daily.after('10:00')")
    a, b = folder.load(text + text.replace("hello", "b")).tasks
    assert a.when is b.when
    assert around(a) is around(b)
    assert isinstance(a.work, Command)
    assert isinstance(b.work, Command)
    assert a.work.argv[0] is b.work.argv[0]


def test_a_bad_file_takes_no_other_down(folder: Folder) -> None:
    folder.write("a.toml", "[")
    folder.write("b.toml", '[task.a]\ncommand = ["true"]\n[task.b]\n')
    loaded = folder.load(HELLO)
    assert names(loaded) == ["hello"]
    assert len(loaded.problems) == 2
    assert [outcome(loaded, name) for name in ("a.toml", "b.toml", "tasks.toml")] == ["bad", "bad", "loaded"]
    assert not loaded.valid


def test_a_warning_keeps_nothing_back(folder: Folder) -> None:
    loaded = folder.load('[task.a]\ncommand = ["/none"]\n')
    assert names(loaded) == ["a"]
    assert [problem.severity for problem in loaded.problems] == ["warning"]
    assert loaded.valid


def test_reload_takes_up_what_has_changed(folder: Folder) -> None:
    loaded = folder.load(HELLO)
    folder.write("tasks.toml", HELLO.replace("hello", "changed"))
    folder.write("more.toml", HELLO.replace("hello", "more"))
    assert names(reload(loaded)) == ["more", "changed"]


def test_reload_drops_what_has_gone(folder: Folder) -> None:
    loaded = folder.load(HELLO)
    (folder.path / "tasks.toml").unlink()
    assert names(reload(loaded)) == []


def test_reload_takes_an_unchanged_file_as_it_was(folder: Folder) -> None:
    loaded = folder.load(HELLO)
    assert reload(loaded).tasks[0] is loaded.tasks[0]


def test_reload_sees_a_change_that_keeps_size_and_time(folder: Folder) -> None:
    loaded = folder.load(HELLO)
    file = folder.path / "tasks.toml"
    before = file.stat()
    file.write_text(HELLO.replace("hello", "other"))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert names(reload(loaded)) == ["other"]


@pytest.mark.parametrize("bad", ["[", "[task.hello]\n", "\x00"])
def test_reload_keeps_the_last_good_tasks_of_a_bad_file(folder: Folder, bad: str) -> None:
    first = folder.load(HELLO)
    folder.write("tasks.toml", bad)
    second = reload(first)
    third = reload(second)
    for loaded in (second, third):
        assert loaded.tasks == first.tasks
        assert outcome(loaded, "tasks.toml") == "kept"
        assert not loaded.valid
    folder.write("tasks.toml", HELLO.replace("hello", "mended"))
    assert names(reload(third)) == ["mended"]


def test_reload_keeps_the_tasks_of_a_file_that_others_can_write_now(folder: Folder) -> None:
    loaded = folder.load(HELLO)
    (folder.path / "tasks.toml").chmod(0o666)
    assert names(reload(loaded)) == ["hello"]


def test_reload_keeps_the_tasks_of_a_directory_that_others_can_write_now(folder: Folder) -> None:
    loaded = folder.load(HELLO)
    folder.path.chmod(0o777)
    assert names(reload(loaded)) == ["hello"]


@root_only
def test_reload_keeps_the_tasks_of_a_directory_that_cannot_be_looked_into(folder: Folder) -> None:
    folder.write("tasks.toml", HELLO)
    with being(NOBODY):
        loaded = folder.load()
    folder.path.chmod(0o000)
    with being(NOBODY):
        again = reload(loaded)
        assert names(again) == ["hello"]
        assert messages(again) == ["this cannot be read: Permission denied"]
        assert names(reload(again)) == ["hello"]


def test_reload_keeps_the_tasks_of_the_file_that_a_bad_one_replaces(tmp_path: Path) -> None:
    vendor, etc = Folder(tmp_path / "vendor"), Folder(tmp_path / "etc")
    vendor.write("a.toml", HELLO)
    loaded = load([vendor.path, etc.path])
    etc.write("a.toml", "[")
    assert names(reload(loaded)) == ["hello"]


def test_reload_lets_a_mask_drop_the_tasks(tmp_path: Path) -> None:
    vendor, etc = Folder(tmp_path / "vendor"), Folder(tmp_path / "etc")
    vendor.write("a.toml", HELLO)
    loaded = load([vendor.path, etc.path])
    etc.write("a.toml", "")
    assert names(reload(loaded)) == []


@root_only
def test_reload_asks_the_host_again_for_unchanged_files(folder: Folder) -> None:
    """A user may have joined a group since."""
    loaded = folder.load('[task.a]\ncommand = ["true"]\nuser = "nobody"\n')
    file_of(loaded, "tasks.toml").answers.identities["nobody", ""] = None
    assert reload(loaded).tasks[0] is not loaded.tasks[0]


def test_the_default_zone_is_known_before_any_task_is_made(folder: Folder) -> None:
    """`a.toml` comes before `rocketd.toml`."""
    folder.write("a.toml", HELLO)
    folder.write("rocketd.toml", HELSINKI)
    (task,) = folder.load().tasks
    assert task.zone_name == "Europe/Helsinki"
    assert around(task).timezone == "Europe/Helsinki"


def test_reload_moves_unchanged_files_to_the_new_default_zone(folder: Folder) -> None:
    folder.write("a.toml", HELLO)
    loaded = folder.load()
    folder.write("rocketd.toml", HELSINKI)
    assert reload(loaded).tasks[0].zone_name == "Europe/Helsinki"


def test_settings_of_rocketd_toml(folder: Folder) -> None:
    folder.write(
        "rocketd.toml",
        """
[rocketd]
max_running = 5
silence_cond_check = false
silence_task_prerun = false
silence_task_logging = false
shutdown_grace = "1 min"
[store]
url = "sqlite:////srv/a.db"
keep = "infinity"
durability = "normal"
[task.also]
command = ["true"]
""",
    )
    loaded = folder.load()
    settings = loaded.settings
    assert (settings.max_running, settings.shutdown_grace) == (5, MINUTE)
    silent = (settings.silence_cond_check, settings.silence_task_prerun, settings.silence_task_logging)
    assert silent == (False, False, False)
    store = settings.store
    assert (store.url, store.repo, store.keep, str(store.durability)) == ("sqlite:////srv/a.db", "", None, "normal")
    assert names(loaded) == ["also"]
    assert loaded.settings_valid


@pytest.mark.parametrize(
    "bad",
    [
        "[",
        "[rocketd]\nmax_running = 0\n",
        "rocketd = 1\n",
        '[store]\nurl = "a://"\nrepo = "a:b"\n',
        "[store]\nurl = 1\n",
        "[mail]\nhost = 1\n",
        "logging = 1\n",
    ],
)
def test_bad_settings_are_the_last_good_ones_or_the_defaults(folder: Folder, bad: str) -> None:
    """And it is said: a daemon that would record elsewhere had better not start."""
    folder.write("rocketd.toml", bad)
    loaded = folder.load()
    assert (loaded.settings.max_running, loaded.settings_valid) == (32, False)
    folder.write("rocketd.toml", HELSINKI + "max_running = 5\n")
    good = reload(loaded)
    assert (good.settings.max_running, good.settings_valid) == (5, True)
    folder.write("rocketd.toml", bad)
    folder.write("tasks.toml", HELLO)
    again = reload(good)
    assert (again.settings.max_running, again.settings_valid) == (5, False)
    assert again.tasks[0].zone_name == "Europe/Helsinki"


def test_the_settings_alone_are_those_of_a_load(folder: Folder) -> None:
    for text in (
        "[rocketd]\nmax_running = 5\n[store]\nurl = 'sqlite:////x'\n",
        "[rocketd]\nmax_running = 5\n[task.a]\n",
        "",
    ):
        folder.write("rocketd.toml", text)
        folder.write("a.toml", "[rocketd]\nmax_running = 7\n")
        assert load_settings([folder.path]) == load([folder.path]).settings
    folder.write("rocketd.toml", "[rocketd]\nmax_running = 0\n")
    assert load_settings([folder.path]) is None


def test_last_good_settings_stay_even_if_their_zone_has_gone(folder: Folder) -> None:
    folder.write("rocketd.toml", HELSINKI)
    loaded = folder.load()
    gone = replace(loaded, settings=replace(loaded.settings, timezone="Europe/Atlantis"))
    folder.write("rocketd.toml", "[")
    assert reload(gone).settings.timezone == "Europe/Atlantis"


def test_a_zone_that_does_not_exist_is_found_along_with_the_other_mistakes(folder: Folder) -> None:
    folder.write("rocketd.toml", '[rocketd]\nmax_running = 0\ntimezone = "Europe/Atlantis"\n')
    assert [problem.line for problem in folder.load().problems] == [2, 3]


def test_a_bad_task_in_rocketd_toml_does_not_make_the_settings_bad(folder: Folder) -> None:
    folder.write("rocketd.toml", HELSINKI + "[task.a]\n")
    loaded = folder.load()
    assert (loaded.settings.timezone, loaded.settings_valid, loaded.valid) == ("Europe/Helsinki", True, False)


def test_a_mask_of_rocketd_toml_gives_the_defaults(folder: Folder) -> None:
    folder.write("rocketd.toml", "[rocketd]\nmax_running = 5\n")
    loaded = folder.load()
    folder.write("rocketd.toml", "")
    again = reload(loaded)
    assert (again.settings.max_running, again.settings_valid) == (32, True)


def test_rocketd_toml_gone_gives_the_defaults(folder: Folder) -> None:
    folder.write("rocketd.toml", "[rocketd]\nmax_running = 5\n")
    loaded = folder.load()
    (folder.path / "rocketd.toml").unlink()
    assert reload(loaded).settings.max_running == 32


def test_mail_of_the_host_of_a_file_and_of_a_task(folder: Folder) -> None:
    folder.write(
        "rocketd.toml",
        """
[mail]
host = "mail.example.com"
port = 587
tls = "starttls"
username = "web01"
password_file = "/etc/rocketd/mail-password"
sender = "rocketd@example.com"
receivers = ["root@example.com"]
on = ["fail"]
pause = "1h"
""",
    )
    loaded = folder.load(
        """
[defaults.mail]
receivers = ["team@example.com"]
[task.plain]
command = ["/bin/true"]
[task.own]
command = ["/bin/true"]
mail = { on = ["success", "fail"] }
"""
    )
    assert messages(loaded) == []
    secret = ("mail.example.com", 587, Tls.STARTTLS, "web01", "/etc/rocketd/mail-password", "rocketd@example.com")
    assert loaded.settings.mail == MailSettings(*secret, ("root@example.com",), ("fail",), HOUR)
    assert [task.mail for task in loaded.tasks] == [
        Mail(("team@example.com",)),
        Mail(("team@example.com",), ("success", "fail")),
    ]


def test_without_a_table_there_is_no_mail_and_no_logging(folder: Folder) -> None:
    settings = folder.load(HELLO).settings
    assert (settings.mail, settings.logging) == (None, None)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('receivers = ["a b"]', "'a b' is not a single mail address"),
        ('receivers = "root@example.com"', "this must be a list of addresses, not a string"),
        (
            'on = ["run"]',
            (
                "'run' is not one of 'success', 'fail', 'terminate', 'inaction', 'crash', 'missed', 'output', "
                "'recovered', 'overdue' and 'slow'"
            ),
        ),
        ('host = "localhost"', "the mail of a task has no key 'host'"),
        ('reciever = ["root"]', "the mail of a task has no key 'reciever'"),
    ],
)
def test_a_mistake_in_the_mail_of_a_task(folder: Folder, text: str, said: str) -> None:
    assert folder.problems(f'[task.a]\ncommand = ["/bin/true"]\n[task.a.mail]\n{text}\n') == [said]


def test_logging_is_taken_as_written_but_for_what_may_be_left_out(folder: Folder) -> None:
    folder.write("rocketd.toml", '[logging.root]\nlevel = "INFO"\n')
    loaded = folder.load()
    assert messages(loaded) == []
    assert loaded.settings.logging == {
        "version": 1,
        "disable_existing_loggers": False,
        "root": {"level": "INFO"},
    }


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("[logging.handler.a]\n", 1, "[logging] has no key 'handler'"),
        ("[logging]\nversion = 2\n", 2, "the only version of this schema is 1"),
        ("[logging]\nhandlers = 1\n", 2, "this must be a table"),
        ("[logging.handlers.a]\n", 1, "this handler has no class"),
        ('[logging.root]\nlevel = "LOUD"\n', 2, "there is no level 'LOUD'"),
        ('[logging.root]\nhandlers = ["a"]\n', 2, "there is no handler 'a' in [logging]"),
        (
            '[logging.handlers.a]\nclass = "logging.StreamHandler"\nformatter = "f"\n',
            3,
            "there is no formatter 'f' in [logging]",
        ),
        (
            '[logging.loggers."rocketd.task"]\nlevel = "INFO"\nfilters = ["f"]\n',
            3,
            "there is no filter 'f' in [logging]",
        ),
    ],
)
def test_a_mistake_in_logging_is_shown_in_its_place(folder: Folder, text: str, line: int, said: str) -> None:
    folder.write("rocketd.toml", text)
    (problem,) = folder.load().problems
    assert (problem.line, problem.message) == (line, said)


@root_only
def test_a_daemon_that_is_not_root_runs_no_task_as_others(folder: Folder) -> None:
    folder.write("tasks.toml", '[task.a]\ncommand = ["true"]\nuser = "root"\n')
    with being(NOBODY):
        assert messages(load([folder.path])) == ["only root can run tasks as 'root', and this daemon is 'nobody'"]
        assert messages(load([folder.path], strict=False)) == []
