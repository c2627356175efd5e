"""Directories of crontabs in which users have a hand: what cron would not read is not imported."""

import os
import pwd
from collections.abc import Callable
from pathlib import Path

import pytest

from rocketd.importer.crontab_files import CrontabFile, system_tables, user_tables
from rocketd.importer.sources import ImportRequest, read_sources

ME = pwd.getpwuid(os.geteuid()).pw_name
OTHER = next(one.pw_name for one in pwd.getpwall() if one.pw_uid not in (0, os.geteuid()))
LINE = "0 3 * * * true\n"
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files to others")


def spoiled(how: Callable[[Path], object]) -> Callable[[Path], object]:
    def make(path: Path) -> None:
        path.write_text(LINE)
        path.chmod(0o600)
        how(path)

    return make


def linked(path: Path) -> None:
    secret = path.parent.parent / "secret"
    secret.write_text("root:0 3 * * * secret\n")
    path.symlink_to(secret)


HOSTILE: list[tuple[Callable[[Path], object], str]] = [
    (linked, "it is a link"),
    (lambda path: path.symlink_to("/nowhere"), "it is a link"),
    (os.mkfifo, "it is not a regular file"),
    (spoiled(lambda path: path.chmod(0o622)), "others may write to it"),
    (spoiled(lambda path: path.chmod(0o620)), "others may write to it"),
    (spoiled(lambda path: os.link(path, path.parent.parent / "other")), "it has another name as well (a hard link)"),
    (spoiled(lambda path: os.truncate(path, 5 << 20)), "it is larger than 4 MiB"),
]


@pytest.mark.parametrize(("make", "reason"), HOSTILE, ids=[reason for _, reason in HOSTILE])
def test_a_table_of_a_user_that_cron_would_not_read(
    tmp_path: Path, make: Callable[[Path], object], reason: str
) -> None:
    spool = tmp_path / "spool"
    spool.mkdir()
    make(spool / ME)
    read = read_sources(ImportRequest(user_directories=(str(spool),)))
    assert read.skipped == [f"{spool / ME} is not read: {reason}, so cron ignores it as well"]
    assert read.files == []


@pytest.mark.parametrize("name", ["tmp.XXXXa1", "a b'\"c", "evil\nname", "root\n", "#root", "root~"])
def test_a_table_that_can_be_no_user_s(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(LINE)
    skipped: list[str] = []
    assert list(user_tables(tmp_path, skipped)) == []
    assert skipped == [f"{tmp_path / name} is not read: it is not called like a user, so cron ignores it as well"]


@AS_ROOT
def test_the_table_of_a_user_who_is_gone_is_not_that_of_another(tmp_path: Path) -> None:
    for name, uid in (("gone", 3_999_999), ("no-such-user", pwd.getpwnam(OTHER).pw_uid)):
        (tmp_path / name).write_text(LINE)
        os.chown(tmp_path / name, uid, -1)
    skipped: list[str] = []
    assert [one.path.name for one in user_tables(tmp_path, skipped)] == ["gone"]
    assert skipped == [f"{tmp_path / 'no-such-user'} is not read: it belongs to {OTHER}, so cron ignores it as well"]


@AS_ROOT
def test_a_table_that_belongs_to_another_user(tmp_path: Path) -> None:
    for name in (ME, OTHER):
        (tmp_path / name).write_text(LINE)
        os.chown(tmp_path / name, pwd.getpwnam(OTHER).pw_uid, -1)
    skipped: list[str] = []
    assert [one.path.name for one in user_tables(tmp_path, skipped)] == [OTHER]
    assert skipped == [f"{tmp_path / ME} is not read: it belongs to {OTHER}, so cron ignores it as well"]


@AS_ROOT
def test_a_system_table_that_a_user_put_there(tmp_path: Path) -> None:
    uid = pwd.getpwnam(OTHER).pw_uid
    for name in ("good", "theirs", "target"):
        (tmp_path / name).write_text(f"0 3 * * * root {name}\n")
    os.chown(tmp_path / "theirs", uid, -1)
    (tmp_path / "good-link").symlink_to("target")
    (tmp_path / "their-link").symlink_to("target")
    os.chown(tmp_path / "their-link", uid, -1, follow_symlinks=False)
    skipped: list[str] = []
    assert [one.path.name for one in system_tables(tmp_path, skipped)] == ["good", "good-link", "target"]
    assert [sentence.split(" is not read: ")[1] for sentence in skipped] == [
        "the link belongs to somebody else, so cron ignores it as well",
        f"it belongs to {OTHER}, so cron ignores it as well",
    ]


def test_a_table_knows_whether_others_may_read_it(tmp_path: Path) -> None:
    assert [CrontabFile.of(tmp_path, b"", mode).private for mode in (0o100600, 0o100640, 0o100644)] == [
        True,
        False,
        False,
    ]


def test_two_sources_that_are_called_alike_become_two_files(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "web").write_text(f"0 3 * * * root {name}\n")
    read = read_sources(ImportRequest(cron_directories=(str(tmp_path / "a"), str(tmp_path / "b"))))
    assert [(file.name, file.drafts[0].name) for file in read.files] == [("cron-web", "web"), ("cron-web-2", "web-2")]
