"""Which files count, and whose: checked on the descriptor that is read."""

import os
import socket
import stat
from pathlib import Path

import pytest

from rocketd.config import task_files
from rocketd.config.loader import load
from support.task_files import HELLO, NOBODY, Folder, being, messages, names, outcome, root_only


def hello(name: str) -> str:
    return HELLO.replace("hello", name)


def test_files_are_sorted_by_name_over_all_directories(tmp_path: Path) -> None:
    vendor, etc = Folder(tmp_path / "vendor"), Folder(tmp_path / "etc")
    etc.write("a.toml", hello("a"))
    vendor.write("b.toml", hello("b"))
    etc.write("c.toml", hello("c"))
    assert names(load([vendor.path, etc.path])) == ["a", "b", "c"]


def test_tasks_of_a_file_stay_as_written(folder: Folder) -> None:
    folder.write("a.toml", hello("z") + hello("b"))
    assert names(folder.load()) == ["z", "b"]


def test_a_file_replaces_those_of_its_name_in_directories_before(tmp_path: Path) -> None:
    vendor, etc = Folder(tmp_path / "vendor"), Folder(tmp_path / "etc")
    vendor.write("a.toml", hello("vendor"))
    etc.write("a.toml", hello("etc"))
    loaded = load([vendor.path, etc.path])
    assert names(loaded) == ["etc"]
    assert [str(file.outcome) for file in loaded.files] == ["loaded", "replaced"]


@pytest.mark.parametrize("how", ["empty", "link", "relative link"])
def test_an_empty_file_or_a_link_to_dev_null_masks(tmp_path: Path, how: str) -> None:
    vendor, etc = Folder(tmp_path / "vendor"), Folder(tmp_path / "etc")
    vendor.write("a.toml", hello("vendor"))
    if how == "empty":
        etc.write("a.toml", "")
    else:
        target = "/dev/null" if how == "link" else os.path.relpath("/dev/null", etc.path)
        (etc.path / "a.toml").symlink_to(target)
    loaded = load([vendor.path, etc.path])
    assert (names(loaded), messages(loaded)) == ([], [])
    assert outcome(load([etc.path]), "a.toml") == "masked"


def test_a_bad_file_does_not_bring_the_vendor_s_back(tmp_path: Path) -> None:
    vendor, etc = Folder(tmp_path / "vendor"), Folder(tmp_path / "etc")
    vendor.write("a.toml", HELLO)
    etc.write("a.toml", "[")
    assert names(load([vendor.path, etc.path])) == []


def test_other_files_are_ignored(folder: Folder) -> None:
    for name in ("README", "a.toml~", ".a.toml", "a.toml.bak"):
        folder.write(name, "no toml")
    (folder.path / "a.toml.d").mkdir()
    loaded = folder.load(HELLO)
    assert (names(loaded), messages(loaded)) == (["hello"], [])
    assert sum(str(file.outcome) == "ignored" for file in loaded.files) == 5


def test_a_directory_of_the_packaging_that_is_not_there_is_no_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    gone = Path("/nonexistent/rocketd")
    monkeypatch.setattr(task_files, "DEFAULT_DIRECTORIES", (gone,))
    assert load([gone]).valid


def test_a_directory_that_was_asked_for_and_is_not_there_is_a_problem(tmp_path: Path) -> None:
    (problem,) = load([tmp_path / "none"]).problems
    assert str(problem) == f"{tmp_path}/none:1:1: error: this cannot be read: No such file or directory"


def test_the_same_directory_twice_is_read_once(folder: Folder) -> None:
    folder.write("a.toml", HELLO)
    assert names(load([folder.path, folder.path])) == ["hello"]


def test_a_file_that_is_named_twice_counts_once(tmp_path: Path) -> None:
    etc = Folder(tmp_path / "etc")
    file = etc.write("a.toml", HELLO)
    (tmp_path / "link").symlink_to(etc.path)
    for paths in ([etc.path, file], [file, etc.path], [file, tmp_path / "link" / "a.toml"]):
        loaded = load(paths)
        assert (names(loaded), messages(loaded)) == (["hello"], [])
        assert [str(one.outcome) for one in loaded.files] == ["loaded"]


def test_two_files_of_one_name_both_count_if_both_are_named(tmp_path: Path) -> None:
    one, other = Folder(tmp_path / "one"), Folder(tmp_path / "other")
    paths = [one.write("a.toml", hello("one")), other.write("a.toml", hello("other"))]
    assert names(load(paths)) == ["one", "other"]
    other.write("a.toml", "[")
    assert names(load(paths)) == ["one"]
    assert not load(paths).valid


def test_a_single_file_may_have_any_name_and_stand_anywhere(folder: Folder) -> None:
    folder.path.chmod(0o777)
    draft = folder.write("draft", HELLO)
    assert names(load([draft])) == ["hello"]


@pytest.mark.parametrize(("mode", "whom"), [(0o664, "its group"), (0o646, "everybody"), (0o666, "everybody")])
def test_a_file_that_others_can_write_is_not_read(folder: Folder, mode: int, whom: str) -> None:
    file = folder.write("a.toml", HELLO)
    file.chmod(mode)
    (problem,) = folder.load().problems
    assert names(folder.load()) == []
    assert problem.message == f"this is writable by {whom}, who could run anything, so it is not read"
    assert problem.hint == f"chmod go-w {file}"


@pytest.mark.parametrize("mode", [0o775, 0o757, 0o1777])
def test_nothing_in_a_directory_that_others_can_write_is_read(folder: Folder, mode: int) -> None:
    folder.write("a.toml", HELLO)
    folder.write("b.toml", "[")
    folder.path.chmod(mode)
    (problem,) = folder.load().problems
    assert names(folder.load()) == []
    assert problem.file == str(folder.path)


@root_only
def test_a_file_of_somebody_else_is_not_read(folder: Folder) -> None:
    file = folder.write("a.toml", HELLO)
    os.chown(file, NOBODY, 0)
    (problem,) = folder.load().problems
    assert names(folder.load()) == []
    assert problem.message == "this belongs to 'nobody', not to 'root', so it is not read"
    assert problem.hint == f"chown root {file}"


@root_only
def test_a_file_of_a_number_without_a_name_is_not_read(folder: Folder) -> None:
    os.chown(folder.write("a.toml", HELLO), 3999999, 0)
    assert messages(folder.load()) == ["this belongs to '3999999', not to 'root', so it is not read"]


@root_only
def test_nothing_in_a_directory_of_somebody_else_is_read(folder: Folder) -> None:
    folder.write("a.toml", HELLO)
    os.chown(folder.path, NOBODY, 0)
    assert names(folder.load()) == []


@root_only
def test_another_user_s_daemon_reads_its_own_files_and_root_s(folder: Folder) -> None:
    folder.write("a.toml", hello("a"))
    os.chown(folder.write("b.toml", hello("b")), NOBODY, 0)
    os.chown(folder.write("c.toml", hello("c")), 3999999, 0)
    with being(NOBODY):
        loaded = folder.load()
    assert names(loaded) == ["a", "b"]
    assert messages(loaded) == ["this belongs to '3999999', not to 'root' or 'nobody', so it is not read"]


@root_only
def test_check_by_others_reads_with_a_warning_what_the_daemon_would_refuse(folder: Folder) -> None:
    os.chown(folder.write("a.toml", HELLO), 3999999, 0)
    with being(NOBODY):
        loaded = load([folder.path], strict=False)
    assert names(loaded) == ["hello"]
    assert [problem.severity for problem in loaded.problems] == ["warning"]


@root_only
def test_what_may_not_be_read_is_a_problem(folder: Folder) -> None:
    folder.write("a.toml", HELLO).chmod(0o600)
    with being(NOBODY):
        loaded = folder.load()
    assert messages(loaded) == ["this cannot be read: Permission denied"]


def test_a_link_to_a_file_is_not_followed(folder: Folder, tmp_path: Path) -> None:
    """Its target could be anybody's a moment later."""
    (tmp_path / "target").write_text(HELLO)
    (folder.path / "a.toml").symlink_to(tmp_path / "target")
    (folder.path / "b.toml").symlink_to("nowhere")
    message = "this is a symbolic link, and only links to /dev/null are allowed"
    assert messages(folder.load()) == [message, message]


def test_a_fifo_a_socket_or_a_directory_is_not_read_and_does_not_block(folder: Folder) -> None:
    os.mkfifo(folder.path / "a.toml")
    with socket.socket(socket.AF_UNIX) as end:
        end.bind(str(folder.path / "b.toml"))
        (folder.path / "c.toml").mkdir()
        assert messages(folder.load()) == [
            "this is not a regular file",
            "this is not a regular file",
            "this is not a regular file",
        ]


@root_only
def test_a_device_is_not_even_opened(folder: Folder) -> None:
    """Opening a tape or a watchdog has effects. There is no device of this number, so opening it would fail."""
    os.mknod(folder.path / "a.toml", 0o600 | stat.S_IFCHR, os.makedev(500, 1))
    assert messages(folder.load()) == ["this is not a regular file"]


@root_only
def test_a_null_device_masks(folder: Folder) -> None:
    os.mknod(folder.path / "a.toml", 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    try:
        (folder.path / "a.toml").open("rb").close()
    except OSError:
        pytest.skip("devices do not work on this file system")
    assert outcome(folder.load(), "a.toml") == "masked"


def test_a_file_beyond_all_measure_is_not_read(folder: Folder) -> None:
    os.truncate(folder.write("a.toml", HELLO), 1024**2 + 1)
    assert messages(folder.load()) == ["this is larger than 1 MiB"]


def test_the_daemon_s_settings_stand_with_the_administrator_alone(folder: Folder) -> None:
    folder.write("other.toml", "[rocketd]\nmax_running = 1\n[store]\n")
    loaded = folder.load()
    assert messages(loaded) == ["[rocketd] is only allowed in rocketd.toml", "[store] is only allowed in rocketd.toml"]
    assert loaded.settings.max_running == 32
