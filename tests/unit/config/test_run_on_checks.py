"""`run_on = "one"`: what such a task needs, what it cannot have, and which tasks can be about each other."""

import pytest

from support.task_files import Folder

FLEET = '[fleet]\nurl = "postgresql://db.example.com/rocketd"\n'
TASK = '[task.report]\ncommand = ["/bin/true"]\nwhen = "daily"\nrun_on = "one"\n'


def test_without_a_fleet_it_is_refused(folder: Folder) -> None:
    folder.write("a.toml", TASK)
    loaded = folder.load()
    assert not loaded.tasks
    assert 'run_on = "one" needs a fleet, and [fleet] has no url' in str(loaded.problems[0])


def test_with_one_it_is_loaded(folder: Folder) -> None:
    folder.write("rocketd.toml", FLEET)
    folder.write("a.toml", TASK)
    loaded = folder.load()
    assert not [one for one in loaded.problems if one.severity == "error"]
    assert [str(task.run_on) for task in loaded.tasks] == ["one"]


@pytest.mark.parametrize(
    "line",
    [
        'on = "boot"',
        'overlap = "replace"',
        "stop_when = \"time_of_day.after('10:00')\"",
        'splay = "10 min"',
        'kill_grace = "2 min"',
        'executor = "unit"',
        'formerly = "old"',
    ],
)
def test_what_counts_on_one_host_only_is_refused(folder: Folder, line: str) -> None:
    folder.write("rocketd.toml", FLEET)
    folder.write("a.toml", f"{TASK}{line}\n")
    loaded = folder.load()
    assert not loaded.tasks
    assert [one.severity for one in loaded.problems if one.line == 5] == ["error"]


@pytest.mark.parametrize(
    ("of_one", "of_each"),
    [("after_success('each')", "daily"), ("daily", "after_success('report')"), ("daily", "after_any_fail('re*')")],
)
def test_tasks_of_one_host_and_of_each_cannot_be_about_each_other(folder: Folder, of_one: str, of_each: str) -> None:
    folder.write("rocketd.toml", FLEET)
    each = f'[task.each]\ncommand = ["/bin/true"]\nwhen = "{of_each}"\n'
    folder.write("a.toml", TASK.replace("daily", of_one) + each)
    loaded = folder.load()
    wrong = "report" if of_one != "daily" else "each"
    assert wrong not in {task.name for task in loaded.tasks}
    assert len(loaded.tasks) == 1


def test_a_mutex_is_of_tasks_of_one_host_or_of_tasks_of_each(folder: Folder) -> None:
    folder.write("rocketd.toml", FLEET)
    other = '[task.other]\ncommand = ["/bin/true"]\nwhen = "daily"\nmutex = "db"\n'
    folder.write("a.toml", f'{TASK}mutex = "db"\n{other}')
    loaded = folder.load()
    assert [task.name for task in loaded.tasks] == ["report"]
    assert any("task 'report' has this mutex" in str(one) for one in loaded.problems if one.severity == "error")
    folder.write("a.toml", f'{TASK}mutex = "db"\n{other}run_on = "one"\n')
    assert {task.name for task in folder.load().tasks} == {"report", "other"}
