"""Which paths the daemon may look at itself, and that it notices when that has changed."""

import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from rocketd.core.errors import RocketdError
from rocketd.executor.process import path_changes
from rocketd.executor.process.network_mounts import Mounts
from rocketd.executor.process.path_trust import PathTrust, UntrustedPath
from rocketd.executor.process.programs import Programs

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to another user")


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory in which nobody else can put anything."""
    with TemporaryDirectory(dir=Path.home()) as made:
        yield Path(made)


@pytest.fixture
def trust() -> Iterator[PathTrust]:
    mounts = Mounts()
    made = PathTrust(mounts, os.geteuid())
    yield made
    made.close()
    mounts.close()


def program(path: Path, content: str = "#!/bin/sh\n") -> Path:
    path.write_text(content)
    path.chmod(0o755)
    return path


def trusts(trust: PathTrust, path: Path) -> bool:
    try:
        return trust.stat(str(path)).st_ino == path.stat().st_ino
    except UntrustedPath:
        return False


def test_what_nobody_else_can_steer_is_trusted_links_included(trust: PathTrust, place: Path) -> None:
    (place / "a").mkdir()
    program(place / "a" / "job")
    (place / "b").symlink_to("a")
    (place / "c").symlink_to(place / "b" / ".." / "a" / "job")
    for path in (place, place / "a/job", place / "b/job", place / "c", place / "b/../a//./job", Path("/bin/sh")):
        assert trusts(trust, path)


def test_what_is_not_there_is_told_as_ever(trust: PathTrust, place: Path) -> None:
    program(place / "job")
    for path, error in ((place / "none", FileNotFoundError), (place / "job" / "none", NotADirectoryError)):
        with pytest.raises(error):
            trust.stat(str(path))


def test_a_ring_of_links_is_left_to_others(trust: PathTrust, place: Path) -> None:
    (place / "a").symlink_to("b")
    (place / "b").symlink_to("a")
    with pytest.raises(UntrustedPath):
        trust.stat(str(place / "a"))


TEMPORARY = ("/tmp", "/tmp/none")  # noqa: S108 - that anybody writes there is the point


@pytest.mark.parametrize("path", [*TEMPORARY, "/proc/self/exe", "/sys/kernel", "/dev/stdin", "/dev/fd/0"])
def test_what_others_can_write_or_the_kernel_makes_up_is_not_trusted(trust: PathTrust, path: str) -> None:
    with pytest.raises(UntrustedPath):
        trust.stat(path)


def another_owner(path: Path) -> None:
    os.chown(path, 1, -1, follow_symlinks=False)


def writable_by_a_group(path: Path) -> None:
    path.chmod(path.stat().st_mode | 0o020)


def writable_by_all(path: Path) -> None:
    path.chmod(path.stat().st_mode | 0o002)


@needs_root
@pytest.mark.parametrize("change", [another_owner, writable_by_a_group, writable_by_all])
@pytest.mark.parametrize("which", ["job", "directory", "parent"])
def test_a_change_of_rights_anywhere_on_the_way_is_noticed(
    trust: PathTrust, place: Path, which: str, change: "object"
) -> None:
    assert callable(change)
    directory = place / "parent" / "directory"
    directory.mkdir(parents=True)
    job = program(directory / "job")
    (place / "link").symlink_to(job)
    for path in (job, place / "link"):
        assert trusts(trust, path)
    change({"job": job, "directory": directory, "parent": directory.parent}[which])
    for path in (job, place / "link"):
        assert not trusts(trust, path)


@needs_root
def test_a_link_of_another_user_is_not_followed(trust: PathTrust, place: Path) -> None:
    (place / "link").symlink_to(program(place / "job"))
    assert trusts(trust, place / "link")
    another_owner(place / "link")
    assert not trusts(trust, place / "link")


def test_a_link_that_leads_elsewhere_now_is_noticed(trust: PathTrust, place: Path) -> None:
    (place / "link").symlink_to(place)
    assert trusts(trust, place / "link")
    with TemporaryDirectory(dir="/tmp") as elsewhere:
        (place / "new").symlink_to(elsewhere)
        (place / "new").rename(place / "link")
        assert not trusts(trust, place / "link")


def test_a_directory_in_anothers_place_is_noticed(trust: PathTrust, place: Path) -> None:
    for name in ("a", "b"):
        (place / name).mkdir()
        program(place / name / "job")
    assert trusts(trust, place / "a" / "job")
    (place / "a").rename(place / "gone")
    (place / "b").rename(place / "a")
    assert trusts(trust, place / "a" / "job")


def test_a_program_that_comes_earlier_in_the_path_is_noticed(trust: PathTrust, place: Path) -> None:
    (place / "first").mkdir()
    (place / "second").mkdir()
    programs, path = Programs(trust), f"{place}/first:{place}/second"
    with pytest.raises(RocketdError, match="job: not found in"):
        programs.find("job", "/", path)
    second = program(place / "second" / "job")
    assert programs.find("job", "/", path) == str(second)
    first = program(place / "first" / "job")
    assert programs.find("job", "/", path) == str(first)
    first.chmod(0o644)
    assert programs.find("job", "/", path) == str(second)
    second.unlink()
    with pytest.raises(RocketdError, match="job: not found in"):
        programs.find("job", "/", path)


def test_another_interpreter_is_noticed(trust: PathTrust, place: Path) -> None:
    job = program(place / "job")
    programs = Programs(trust)
    assert programs.find(str(job), "/", "") == str(job)
    program(job, "#!/tmp/sh\n")
    with pytest.raises(UntrustedPath):
        programs.find(str(job), "/", "")


@pytest.mark.parametrize("content", ["#!/tmp/sh\n", "#!sh\n", "#!{place}/inner\n"])
def test_an_interpreter_is_looked_at_as_its_program_is(trust: PathTrust, place: Path, content: str) -> None:
    program(place / "inner", "#!/tmp/sh\n")
    job = program(place / "job", content.format(place=place))
    with pytest.raises(UntrustedPath):
        Programs(trust).find(str(job), "/", "")


def test_a_flood_of_changes_is_a_change(trust: PathTrust, place: Path) -> None:
    assert trusts(trust, program(place / "job"))
    for _ in range(3000):
        (place / "other").touch()
        (place / "other").unlink()
    writable_by_all(place / "job")
    assert not trusts(trust, place / "job")


def test_where_changes_cannot_be_noticed_nothing_is_remembered(
    trust: PathTrust, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(path_changes.PathChanges, "watch", lambda *_: False)
    job = program(place / "job")
    assert trusts(trust, job)
    monkeypatch.setattr(path_changes.PathChanges, "any_changed", lambda _: False)
    writable_by_all(job)
    assert not trusts(trust, job)


def test_nothing_is_looked_at_twice_as_long_as_nothing_changes(
    trust: PathTrust, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = program(place / "job")
    programs = Programs(trust)
    assert programs.find(str(job), str(place), "") == str(job)
    monkeypatch.setattr(os, "lstat", None)
    (place / "another").touch()
    assert programs.find(str(job), str(place), "") == str(job)


def test_starts_that_are_made_together_look_for_changes_once(trust: PathTrust, place: Path) -> None:
    job = program(place / "job")
    assert trusts(trust, job)
    writable_by_all(job)
    trust.recheck(once=True)
    assert not trusts(trust, job), "what changed before the first of them counts"
    job.chmod(0o755)
    trust.recheck(once=True)
    assert trusts(trust, job)
    writable_by_all(job)
    assert trusts(trust, job)
    trust.recheck()
    assert not trusts(trust, job), "and so does for the next ones what changed in between"
    job.chmod(0o755)
    assert trusts(trust, job)
    writable_by_all(job)
    assert not trusts(trust, job), "outside of them each question looks"
