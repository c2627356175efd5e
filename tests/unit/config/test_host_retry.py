"""What the host lacks keeps back only the tasks that need it, and is looked at again without anybody's edit."""

import grp
import pwd
import zoneinfo
from collections.abc import Iterator
from pathlib import Path

import pytest

from rocketd.config import account_names
from rocketd.config.load_result import LoadResult
from rocketd.config.loader import load, recheck_host, reload
from rocketd.core.model.task import Command
from support.task_files import Folder, messages, names, outcome, root_only

TASK = '[task.{}]\ncommand = ["/bin/true"]\n'
TWO = TASK.format("good") + TASK.format("ghost") + 'user = "ghost"\n'
GONE = "there is no user 'ghost' on this host"


class Users:
    """Users that come and go, beside those of the host."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.uids: dict[str, int] = {}
        self._getpwnam = pwd.getpwnam
        monkeypatch.setattr(pwd, "getpwnam", self._look_up)

    def _look_up(self, name: str) -> pwd.struct_passwd:
        if name in self.uids:
            return pwd.struct_passwd((name, "", self.uids[name], 0, "", "/", "/bin/sh"))
        return self._getpwnam(name)


@pytest.fixture
def users(monkeypatch: pytest.MonkeyPatch) -> Users:
    return Users(monkeypatch)


@pytest.fixture
def zones(tmp_path: Path) -> Iterator[Path]:
    """A place for more time zones."""
    place = tmp_path / "zoneinfo"
    place.mkdir()
    zoneinfo.reset_tzpath([str(place), *zoneinfo.TZPATH])
    yield place
    zoneinfo.reset_tzpath()
    zoneinfo.ZoneInfo.clear_cache()


def add_zone(zones: Path, name: str) -> None:
    (zones / name).write_bytes(Path("/usr/share/zoneinfo/Asia/Tokyo").read_bytes())


def uid_of(loaded: LoadResult, name: str) -> int | None:
    (task,) = (task for task in loaded.tasks if task.name == name)
    assert isinstance(task.work, Command)
    identity = task.work.surroundings.identity
    return identity.uid if identity else None


@root_only
def test_an_unknown_user_keeps_back_the_tasks_of_that_user_alone(folder: Folder) -> None:
    loaded = folder.load(TWO)
    assert (names(loaded), messages(loaded), outcome(loaded, "tasks.toml")) == (["good"], [GONE], "loaded")
    assert not loaded.valid
    assert loaded.is_transient
    missing = loaded.missing["ghost"]
    assert (missing.line, missing.problem.line, missing.problem.message) == (3, 5, GONE)
    assert missing.file == str(folder.path / "tasks.toml")


@root_only
def test_a_user_that_has_come_is_found_without_a_reload(folder: Folder, users: Users) -> None:
    loaded = folder.load(TWO)
    assert recheck_host(loaded) == loaded
    users.uids["ghost"] = 4711
    again = recheck_host(loaded)
    assert (names(again), messages(again), uid_of(again, "ghost")) == (["good", "ghost"], [], 4711)
    assert (dict(again.missing), again.is_transient) == ({}, False)


@root_only
def test_a_user_that_has_gone_runs_nothing_any_more(folder: Folder, users: Users) -> None:
    users.uids["ghost"] = 4711
    loaded = folder.load(TWO)
    del users.uids["ghost"]
    for again in (recheck_host(loaded), reload(loaded)):
        assert (names(again), list(again.missing), messages(again)) == (["good"], ["ghost"], [GONE])


@root_only
def test_a_uid_that_has_changed_is_found_without_a_reload(folder: Folder, users: Users) -> None:
    users.uids["ghost"] = 4711
    loaded = folder.load(TWO)
    users.uids["ghost"] = 4712
    assert uid_of(recheck_host(loaded), "ghost") == 4712


@root_only
def test_an_edit_waits_for_its_reload(folder: Folder, users: Users) -> None:
    """Somebody may be in the middle of it."""
    loaded = folder.load(TWO)
    folder.write("tasks.toml", TWO + TASK.format("more"))
    folder.write("new.toml", TASK.format("new"))
    users.uids["ghost"] = 4711
    assert recheck_host(loaded) == loaded
    assert names(reload(loaded)) == ["new", "good", "ghost", "more"]


@root_only
def test_a_file_that_was_taken_away_waits_for_its_reload(folder: Folder, users: Users) -> None:
    folder.write("away.toml", TASK.format("away"))
    folder.write("rocketd.toml", "[rocketd]\nmax_running = 7\n")
    loaded = folder.load(TWO)
    for name in ("away.toml", "rocketd.toml"):
        (folder.path / name).unlink()
    users.uids["ghost"] = 4711
    again = recheck_host(loaded)
    assert names(again) == ["away", "good", "ghost"]
    assert (again.settings.max_running, again.settings_valid) == (7, True)
    assert reload(loaded).settings.max_running == 32


@root_only
def test_settings_that_were_edited_wait_for_their_reload(folder: Folder) -> None:
    folder.write("rocketd.toml", "[rocketd]\nmax_running = 7\n")
    loaded = folder.load(TWO)
    folder.write("rocketd.toml", "[rocketd]\nmax_running = 8\n")
    again = recheck_host(loaded)
    assert (again.settings.max_running, again.settings_valid) == (7, True)


@root_only
def test_a_mistake_of_the_file_itself_still_keeps_back_all_of_it(folder: Folder, users: Users) -> None:
    loaded = folder.load(TWO + 'nice = "x"\n')
    assert (names(loaded), outcome(loaded, "tasks.toml")) == ([], "bad")
    assert {name: (one.line, one.problem.line) for name, one in loaded.missing.items()} == {
        "good": (1, 6),
        "ghost": (3, 5),
    }
    users.uids["ghost"] = 4711
    again = recheck_host(loaded)
    assert (names(again), [problem.line for problem in again.problems], again.is_transient) == ([], [6], False)


def test_tasks_of_a_file_that_is_no_toml_are_missing_as_well(folder: Folder) -> None:
    loaded = folder.load(TASK.format("a") + "when = daily\n")
    assert [(one.name, one.line, one.problem.line) for one in loaded.missing.values()] == [("a", 1, 3)]


def test_what_is_loaded_as_it_was_or_is_disabled_is_not_missing(folder: Folder) -> None:
    loaded = folder.load(TASK.format("a"))
    folder.write(
        "tasks.toml", TASK.format("a") + 'nice = "x"\n' + TASK.format("b") + TASK.format("c") + "enabled=false\n"
    )
    assert list(reload(loaded).missing) == ["b"]


def test_a_task_that_is_kept_back_between_files_is_missing(folder: Folder) -> None:
    chain = TASK.format("a") + "when = \"after_success('b') | daily\"\n"
    loaded = folder.load(chain + TASK.format("b") + "when = \"after_success('a')\"\n")
    (missing,) = loaded.missing.values()
    assert (missing.name, "for ever" in missing.problem.message) == ("b", True)


def test_a_zone_that_has_come_is_found_and_one_that_has_gone_stays_as_it_was(folder: Folder, zones: Path) -> None:
    text = TASK.format("good") + TASK.format("far") + 'timezone = "Somewhere"\n'
    text += TASK.format("asked") + "when = \"calendar('Mon 10:00 Somewhere')\"\n"
    loaded = folder.load(text)
    assert (names(loaded), list(loaded.missing)) == (["good"], ["far", "asked"])
    add_zone(zones, "Somewhere")
    again = recheck_host(loaded)
    assert (names(again), messages(again)) == (["good", "far", "asked"], [])
    (zones / "Somewhere").unlink()
    zoneinfo.ZoneInfo.clear_cache()
    gone = reload(again)
    assert names(gone) == ["good", "far", "asked"]
    assert (len(gone.problems), gone.is_transient, dict(gone.missing)) == (2, True, {})


def test_the_zone_of_rocketd_toml_keeps_back_who_names_none_and_no_setting(folder: Folder, zones: Path) -> None:
    folder.write("rocketd.toml", '[rocketd]\ntimezone = "Somewhere"\nmax_running = 7\n')
    loaded = folder.load(TASK.format("bare") + TASK.format("own") + 'timezone = "UTC"\n')
    assert (loaded.settings.max_running, loaded.settings_valid) == (7, True)
    assert (names(loaded), list(loaded.missing)) == (["own"], ["bare"])
    assert [(problem.line, problem.task) for problem in loaded.problems] == [(2, ""), (1, "bare")]
    add_zone(zones, "Somewhere")
    again = recheck_host(loaded)
    assert (names(again), messages(again)) == (["bare", "own"], [])
    assert again.tasks[0].zone_name == "Somewhere"


def test_a_directory_that_has_come_is_read(tmp_path: Path) -> None:
    loaded = load([tmp_path / "mnt"])
    assert loaded.is_transient
    assert messages(loaded) == ["this cannot be read: No such file or directory"]
    Folder(tmp_path / "mnt").write("a.toml", TASK.format("a"))
    again = recheck_host(loaded)
    assert (names(again), messages(again)) == (["a"], [])


@root_only
def test_a_group_that_somebody_joined_is_found_without_a_reload(
    folder: Folder, users: Users, monkeypatch: pytest.MonkeyPatch
) -> None:
    users.uids["ghost"] = 4711
    loaded = folder.load(TWO)
    monkeypatch.setattr(account_names, "groups_of", lambda _name, gid: (gid, grp.getgrnam("tty").gr_gid))
    assert recheck_host(loaded).tasks != loaded.tasks
