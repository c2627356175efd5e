"""The table `unit` of a task, and which tasks can be units of systemd."""

import shutil
import tempfile

import pytest

from rocketd.config.problems import BadValue
from rocketd.config.unit_table import joined, unit
from rocketd.core.model.task import ExecutorKind
from support.task_files import Folder

TASK = '[task.a]\ncommand = ["true"]\n'


def test_values_are_written_as_systemd_reads_them() -> None:
    table = {
        "MemoryMax": "2G",
        "CPUWeight": 50,
        "PrivateTmp": True,
        "ReadWritePaths": ["/a", "/b"],
        "NoNewPrivileges": False,
    }
    assert unit(table) == (
        ("MemoryMax", "2G"),
        ("CPUWeight", "50"),
        ("PrivateTmp", "yes"),
        ("ReadWritePaths", "/a"),
        ("ReadWritePaths", "/b"),
        ("NoNewPrivileges", "no"),
    )


@pytest.mark.parametrize(
    ("key", "word"),
    [
        ("User", "'user'"),
        ("ExecStart", "'command'"),
        ("ExecStopPost", "'command'"),
        ("EnvironmentFile", "'environment_files'"),
        ("Environment", "'environment'"),
        ("LimitNOFILE", "'limits'"),
        ("RuntimeMaxSec", "'timeout'"),
        ("Restart", "'when'"),
        ("SetCredential", "LoadCredential"),
    ],
)
def test_what_rocketd_sets_itself_is_refused_with_the_setting_that_does_it(key: str, word: str) -> None:
    with pytest.raises(BadValue) as refused:
        unit({key: "x"})
    (mistake,) = refused.value.under(("unit",))
    assert word in mistake.hint


@pytest.mark.parametrize(
    "key", ["Type", "RemainAfterExit", "KillMode", "StandardOutput", "RootImage", "memory max", "x", "A=b"]
)
def test_what_cannot_be_set_is_refused(key: str) -> None:
    with pytest.raises(BadValue):
        unit({key: "x"})


@pytest.mark.parametrize("value", ["a\nExecStart=/bin/evil", "a\\", 1.5, {}, [["a"]], "a\0b"])
def test_no_value_can_be_more_than_one_line(value: object) -> None:
    with pytest.raises(BadValue):
        unit({"Description": value})


def test_paths_for_executables_are_no_commands() -> None:
    assert unit({"NoExecPaths": "/", "ExecPaths": "/usr"}) == (("NoExecPaths", "/"), ("ExecPaths", "/usr"))


def test_a_tasks_own_settings_go_over_the_defaults_key_by_key() -> None:
    below, above = (("MemoryMax", "1G"), ("ReadOnlyPaths", "/a")), (("ReadOnlyPaths", "/b"), ("ReadOnlyPaths", "/c"))
    assert joined(below, above) == (("MemoryMax", "1G"), ("ReadOnlyPaths", "/b"), ("ReadOnlyPaths", "/c"))


def test_a_task_with_such_a_table_is_a_unit(folder: Folder) -> None:
    defaults = '[defaults.unit]\nMemoryMax = "1G"\n'
    (task,) = folder.load(f"{defaults}{TASK}[task.a.unit]\nPrivateTmp = true\n").tasks
    assert task.executor is ExecutorKind.UNIT
    assert task.unit == (("MemoryMax", "1G"), ("PrivateTmp", "yes"))


def test_a_task_that_is_a_process_has_no_use_for_the_defaults_of_units(folder: Folder) -> None:
    (task,) = folder.load(f'[defaults.unit]\nMemoryMax = "1G"\n{TASK}executor = "process"\n').tasks
    assert (task.executor, task.unit) == (ExecutorKind.PROCESS, ())


@pytest.mark.parametrize(
    ("settings", "setting"),
    [
        ('output_file = "/tmp/x"', "output_file"),
        ("separate_stderr = true", "separate_stderr"),
        ("output_limit = 0", "output_limit"),
        ('on = "shutdown"', "on"),
    ],
)
def test_a_unit_that_is_asked_for_and_not_possible_is_a_mistake(folder: Folder, settings: str, setting: str) -> None:
    loaded = folder.load(f'{TASK}executor = "unit"\n{settings}\n')
    assert loaded.tasks == ()
    assert f"a unit of systemd cannot carry out a task with '{setting}'" in [one.message for one in loaded.problems]
    (task,) = folder.load(f"{TASK}{settings}\n").tasks
    assert task.needs_process == setting


def test_a_table_for_a_process_is_a_mistake(folder: Folder) -> None:
    problems = folder.problems(f'{TASK}executor = "process"\nunit = {{ PrivateTmp = true }}\n')
    assert problems == ['with executor = "process" there is no unit that this could be about']


def test_a_user_and_a_made_up_one_exclude_each_other(folder: Folder) -> None:
    problems = folder.problems(f'{TASK}user = "root"\nunit = {{ DynamicUser = true }}\n')
    assert problems == ["with DynamicUser, systemd makes up the user"]


def test_the_daemon_says_what_carries_out_the_others(folder: Folder) -> None:
    folder.write("rocketd.toml", '[rocketd]\nexecutor = "unit"\n')
    assert folder.load(TASK).settings.executor is ExecutorKind.UNIT
    folder.write("rocketd.toml", '[rocketd]\nexecutor = "thread"\n')
    assert folder.problems(TASK) != []


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="this host has no systemd-analyze")
def test_what_systemd_does_not_take_is_a_mistake_in_its_words_at_its_place(folder: Folder) -> None:
    loaded = folder.load(f'{TASK}\n[task.a.unit]\nPrivateTmp = true\nMemoryMax = "lots"\nNoSuch = 1\n')
    assert loaded.tasks == ()
    assert [(one.line, one.message) for one in loaded.problems] == [
        (6, "systemd does not take this: Invalid memory limit 'lots': Invalid argument"),
        (7, "systemd does not take this: Unknown key 'NoSuch' in section [Service]"),
    ]


def test_without_room_for_a_temporary_file_nothing_is_asked(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/no/such/directory")
    assert [one.name for one in folder.load(f'{TASK}\n[task.a.unit]\nMemoryMax = "lots"\n').tasks] == ["a"]
