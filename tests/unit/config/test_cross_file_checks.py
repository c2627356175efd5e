"""What is wrong between files keeps back only the task it is about."""

import pytest

from rocketd.config.loader import load, reload
from support.task_files import HELLO, Folder, messages, names


def task(name: str, when: str, more: str = "") -> str:
    return f'[task.{name}]\ncommand = ["true"]\nwhen = "{when}"\n{more}\n'


def test_the_same_name_twice_names_both_files_and_the_first_stays(folder: Folder) -> None:
    folder.write("a.toml", HELLO)
    folder.write("b.toml", task("other", "daily") + task("hello", "hourly"))
    loaded = folder.load()
    assert names(loaded) == ["hello", "other"]
    assert str(loaded.tasks[0].when) == "daily"
    (problem,) = loaded.problems
    assert str(problem) == (
        f"{folder.path}/b.toml:5:7: error: task 'hello': there is a task 'hello' in {folder.path}/a.toml already, "
        "which is kept\n"
        "[task.hello]\n"
        "      ^^^^^\n"
        "hint: rename one of them"
    )


def test_a_condition_about_a_task_that_is_not_there(folder: Folder) -> None:
    loaded = folder.load(HELLO + task("a", "after_success('helo') | after_fail('x')") + task("b", "running('x')"))
    assert names(loaded) == ["hello", "a", "b"]
    first, second, third = loaded.problems
    assert (first.line, first.column, first.width) == (6, 24, 4)
    assert (first.message, first.hint) == ("task 'helo' is not loaded", "did you mean hello?")
    assert second.message == third.message == "task 'x' is not loaded"
    assert not loaded.valid


def test_a_stop_condition_about_a_task_that_is_not_there(folder: Folder) -> None:
    (problem,) = folder.load(task("a", "daily", "stop_when = \"running('x')\"")).problems
    assert (problem.line, problem.message) == (4, "task 'x' is not loaded")


def test_a_condition_about_a_task_that_is_disabled(folder: Folder) -> None:
    folder.write("b.toml", task("b", "daily", "enabled = false"))
    assert folder.problems(task("a", "after_success('b')")) == ["task 'b' has enabled = false"]


def test_a_name_that_counts_as_loaded(folder: Folder) -> None:
    """`check` of a single file, beside those that are installed."""
    folder.write("a.toml", task("a", "after_success('b')"))
    assert messages(load([folder.path], known={"b"})) == []


def test_a_problem_of_a_kept_file_stands_without_its_line(folder: Folder) -> None:
    folder.write("b.toml", HELLO)
    loaded = folder.load(task("a", "after_success('hello')"))
    folder.write("tasks.toml", "[")
    (folder.path / "b.toml").unlink()
    again = reload(loaded)
    assert names(again) == ["a"]
    assert "task 'hello' is not loaded" in messages(again)


def test_a_problem_of_a_file_that_has_gone_stands_without_its_line(folder: Folder) -> None:
    folder.write("b.toml", HELLO)
    loaded = folder.load(task("a", "after_success('hello')"))
    (folder.path / "b.toml").unlink()
    (folder.path / "tasks.toml").chmod(0o666)
    again = reload(loaded)
    assert names(again) == ["a"]
    assert [problem.source_line for problem in again.problems] == ["", ""]


@pytest.mark.parametrize(
    ("conditions", "chain"),
    [
        ({"a": "daily | after_success('b')", "b": "after_success('a')"}, "a → b → a"),
        ({"a": "daily | after_finish('a')"}, "a → a"),
        (
            {"a": "after_finish('c') | daily", "b": "after_success('a')", "c": "after_finish('b') & true"},
            "a → b → c → a",
        ),
        ({"a": "daily | after_any_success('x', 'b')", "x": "daily", "b": "after_success('a')"}, "a → b → a"),
        (
            {"a": "daily | after_all_success('b', 'c')", "b": "after_success('a')", "c": "after_success('a')"},
            "a → b → a",
        ),
        (
            {
                "a": "daily | after_fail('b') | after_success('c')",
                "b": "after_success('a')",
                "c": "after_success('b')",
            },
            "a → b → c → a",
        ),
        ({"a": "daily", "b": "after_success('a') | after_success('c')", "c": "after_success('b')"}, "b → c → b"),
    ],
)
def test_a_cycle_in_which_each_end_starts_the_next_is_an_error(
    folder: Folder, conditions: dict[str, str], chain: str
) -> None:
    loaded = folder.load("".join(task(name, when) for name, when in conditions.items()))
    (problem,) = (problem for problem in loaded.problems if "for ever" in problem.message)
    assert (problem.message, problem.severity) == (f"each run starts the next one for ever: {chain}", "error")
    assert problem.task not in names(loaded)
    assert len(loaded.tasks) == len(conditions) - 1


@pytest.mark.parametrize(
    "conditions",
    [
        {"a": "after_success('b')", "b": "after_success('a')"},
        {"a": "after_success('a')"},
        {"a": "after_success('b') & after_success('b')", "b": "after_success('a') | false"},
        {"a": "after_success('b') | retry(3)", "b": "after_success('a')"},
    ],
)
def test_a_cycle_that_only_a_hand_can_start_is_a_warning(folder: Folder, conditions: dict[str, str]) -> None:
    loaded = folder.load("".join(task(name, when) for name, when in conditions.items()))
    (problem,) = loaded.problems
    assert problem.message.startswith("this cycle can only be started by hand and then never ends: ")
    assert problem.severity == "warning"
    assert names(loaded) == list(conditions)


def test_a_cycle_that_begins_at_boot_is_an_error(folder: Folder) -> None:
    loaded = folder.load(task("a", "after_success('b')", 'on = "boot"') + task("b", "after_success('a')"))
    assert loaded.problems[0].severity == "error"


@pytest.mark.parametrize(
    "conditions",
    [
        {"a": "daily", "b": "after_success('a')", "c": "after_success('b')"},
        {"a": "daily | after_success('b')", "b": "after_success('a') & hourly"},
        {"a": "daily | after_success('b')", "b": "after_success('a') & ~running('a')"},
        {"a": "daily | after_success('repair')", "repair": "after_fail('a')"},
        {"a": "daily | after_all_success('b', 'x')", "b": "after_success('a')", "x": "daily"},
    ],
)
def test_what_something_else_ends_is_no_cycle(folder: Folder, conditions: dict[str, str]) -> None:
    assert folder.problems("".join(task(name, when) for name, when in conditions.items())) == []


def test_every_cycle_is_told(folder: Folder) -> None:
    texts = [task(name, f"daily | after_success('{name}')") for name in ("a", "b", "c")]
    assert len(folder.problems("".join(texts))) == 3


CYCLE = task("a", "daily | after_success('b')") + task("b", "hourly | after_success('a')")


@pytest.mark.parametrize(
    ("a", "b"),
    [("daily", "after_success('a')"), ("daily | after_success('b')", "hourly"), ("daily", "hourly")],
)
def test_reload_keeps_the_last_good_tasks_of_a_new_cycle(folder: Folder, a: str, b: str) -> None:
    loaded = folder.load(task("a", a) + task("b", b))
    folder.write("tasks.toml", CYCLE)
    for _ in range(2):
        loaded = reload(loaded)
        assert names(loaded) == ["a", "b"]
        assert not loaded.valid


def test_a_load_drops_the_last_task_of_a_cycle(folder: Folder) -> None:
    assert names(folder.load(CYCLE)) == ["a"]


CHAT = '[webhook.chat]\nurl = "https://chat.example.com/hook"\n'


def test_a_webhook_that_is_not_there_is_a_warning_once_in_each_file(folder: Folder) -> None:
    folder.write("rocketd.toml", CHAT)
    folder.write("b.toml", task("b", "daily", 'webhooks = ["pager"]'))
    text = '[defaults]\nwebhooks = ["chta"]\n' + "".join(task(name, "daily") for name in ("a", "c"))
    loaded = folder.load(text + task("d", "daily", 'webhooks = ["chat"]'))
    assert loaded.valid
    first, second = loaded.problems
    assert (first.message, first.hint) == (
        "there is no webhook 'pager', so nobody is told",
        "rocketd.toml needs a table [webhook.pager]",
    )
    assert (first.severity, first.line) == ("warning", 4)
    assert (second.message, second.hint) == ("there is no webhook 'chta', so nobody is told", "did you mean chat?")
    folder.write("rocketd.toml", CHAT.replace("chat]", "pager]"))
    assert "there is no webhook 'pager', so nobody is told" not in messages(reload(loaded))


def test_webhooks_are_not_asked_about_while_the_settings_have_an_error(folder: Folder) -> None:
    folder.write("rocketd.toml", "[")
    folder.write("a.toml", task("a", "daily", 'webhooks = ["chat"]'))
    assert all("webhook" not in message for message in messages(folder.load()))


def test_a_file_alone_is_checked_by_the_settings_that_are_installed(folder: Folder) -> None:
    folder.write("rocketd.toml", CHAT + '[rocketd]\ntimezone = "Asia/Tokyo"\n')
    installed = folder.load()
    elsewhere = folder.write("new.txt", task("a", "daily", 'webhooks = ["chat"]')).rename(folder.path.parent / "a.toml")
    loaded = load([elsewhere], settings=installed.settings)
    assert messages(loaded) == []
    assert loaded.tasks[0].zone_name == "Asia/Tokyo"
