"""What of the task files is not loaded, and how that is counted and told."""

from rocketd.config.loader import load, reload
from rocketd.config.not_loaded import file_problems, not_loaded, task_files_status
from rocketd.core.messages.file_problems import FileProblems
from support.task_files import HELLO, Folder

BAD = HELLO + HELLO.replace("hello", "second").replace('"daily"', '"dayly"') + HELLO.replace("hello", "third")
GHOST = HELLO.replace("hello", "ghost") + 'user = "no-such-user-here"\n'


def test_a_file_that_is_not_loaded_is_told_with_its_tasks_and_the_first_error(folder: Folder) -> None:
    path = folder.write("30-bad.toml", BAD)
    folder.write("40-ghost.toml", GHOST + HELLO.replace("hello", "fine").replace("/bin/true", "/none"))
    loaded = load([folder.path])
    bad, ghost = not_loaded(loaded)
    assert bad == (str(path), "bad", ("hello", "second", "third"), 6, "dayly is not a condition; did you mean daily?")
    assert (ghost.outcome, ghost.tasks, ghost.line) == ("loaded", ("ghost",), 4)
    assert file_problems(loaded) == FileProblems(files=1, missing=3, tasks=1, warnings=1)
    assert str(file_problems(loaded)) == "1 file not loaded (3 tasks missing), 1 task not loaded, 1 warning"
    assert loaded.missing["third"].message == (
        f"third is in {path}, which is not loaded: line 6: dayly is not a condition; did you mean daily?"
    )
    assert "but not loaded: line 4: there is no user" in loaded.missing["ghost"].message


def test_a_file_whose_last_good_tasks_stay_is_told_apart(folder: Folder) -> None:
    folder.write("a.toml", HELLO)
    before = load([folder.path])
    folder.write("a.toml", BAD)
    after = reload(before)
    (kept,) = not_loaded(after)
    assert (kept.outcome, kept.tasks) == ("kept", ("second", "third"))
    assert str(file_problems(after)) == "1 file kept as before, 2 tasks not loaded"


def test_what_is_wrong_between_files_is_counted_and_told(folder: Folder) -> None:
    folder.write("a.toml", HELLO)
    twice = folder.write("b.toml", HELLO + HELLO.replace("hello", "b").replace("daily", "after_success('gone')"))
    loaded = load([folder.path])
    assert file_problems(loaded) == FileProblems(errors=2)
    assert str(file_problems(loaded)) == "2 errors"
    assert not_loaded(loaded) == []
    assert twice.exists()


def test_one_whose_names_are_not_known_is_told_all_the_same(folder: Folder) -> None:
    path = folder.write("a.toml", HELLO)
    path.chmod(0o666)
    loaded = load([folder.path])
    (told,) = not_loaded(loaded)
    assert (told.file, told.outcome, told.tasks) == (str(path), "bad", ())
    assert str(file_problems(loaded)) == "1 file not loaded"


def test_nothing_is_told_where_all_is_loaded(folder: Folder) -> None:
    folder.write("a.toml", HELLO)
    assert task_files_status(load([folder.path])) == {
        "directories": [str(folder.path)],
        "file_problems": FileProblems()._asdict(),
        "not_loaded": [],
    }
    assert str(FileProblems()) == ""
    assert str(FileProblems(files=2, errors=1)) == "2 files not loaded, 1 other error"


def test_who_waits_for_a_task_that_is_missing_is_told_where_it_is(folder: Folder) -> None:
    path = folder.write("a.toml", BAD)
    folder.write("b.toml", HELLO.replace("hello", "b").replace("daily", "after_success('third')"))
    (problem,) = (one for one in load([folder.path]).problems if one.task == "b")
    assert (problem.message, problem.hint) == ("task 'third' is not loaded", f"it is in {path}, which has errors")
