"""Names are looked up once, and become what a login of that user would have."""

import grp
import os
import pwd
import shutil
from datetime import UTC
from pathlib import Path

import pytest

from rocketd.config.host_lookup import HostLookup
from rocketd.config.problems import BadValue
from support.task_files import being, root_only

NOBODY = pwd.getpwnam("nobody")
ROOT = 0


def refusal(host: HostLookup, user: str = "", group: str = "") -> tuple[str, str]:
    with pytest.raises(BadValue) as caught:
        host.identity(user, group)
    (mistake,) = caught.value.under(())
    return mistake.message, mistake.hint


def test_nobody_asked_for_is_the_daemon_itself() -> None:
    assert HostLookup(ROOT).identity("", "") is None


def test_the_daemon_s_own_user_is_the_daemon_itself() -> None:
    """Also for a daemon that is not root: it may not even set its own groups."""
    assert HostLookup(ROOT).identity("root", "") is None
    assert HostLookup(NOBODY.pw_uid).identity("nobody", "") is None
    assert HostLookup(NOBODY.pw_uid).identity(str(NOBODY.pw_uid), str(NOBODY.pw_gid)) is None


def test_a_user_brings_the_groups_of_a_login() -> None:
    identity = HostLookup(ROOT).identity("nobody", "")
    assert identity is not None
    assert (identity.uid, identity.gid, identity.name) == (NOBODY.pw_uid, NOBODY.pw_gid, "nobody")
    assert identity.groups == tuple(os.getgrouplist("nobody", NOBODY.pw_gid))
    assert (identity.home, identity.shell) == (NOBODY.pw_dir, NOBODY.pw_shell)


def test_a_group_takes_the_place_of_the_user_s() -> None:
    group = grp.getgrnam("tty")
    identity = HostLookup(ROOT).identity("nobody", "tty")
    assert identity is not None
    assert identity.gid == group.gr_gid
    assert group.gr_gid in identity.groups


def test_a_group_alone_leaves_the_user() -> None:
    identity = HostLookup(ROOT).identity("", "tty")
    assert identity is not None
    assert (identity.uid, identity.name) == (0, "root")


def test_numbers_need_no_entry_in_the_user_database() -> None:
    identity = HostLookup(ROOT).identity("3999999", "3999998")
    assert identity is not None
    assert (identity.uid, identity.gid, identity.groups) == (3999999, 3999998, (3999998,))
    assert (identity.home, identity.shell) == ("/", "/bin/sh")


def test_a_number_without_an_entry_needs_a_group() -> None:
    message, _ = refusal(HostLookup(ROOT), "3999999")
    assert message == "user 3999999 is not in the user database, so its group must be set"


@pytest.mark.parametrize(
    ("user", "group", "message", "hint"),
    [
        ("nobdy", "", "there is no user 'nobdy' on this host", "did you mean nobody?"),
        ("nobody", "ttyy", "there is no group 'ttyy' on this host", "did you mean tty?"),
        ("4294967295", "0", "4294967295 is above the highest possible number, 4294967294", ""),
        ("nobody", "4294967295", "4294967295 is above the highest possible number, 4294967294", ""),
    ],
)
def test_who_is_not_there(user: str, group: str, message: str, hint: str) -> None:
    assert refusal(HostLookup(ROOT), user, group) == (message, hint)


def test_only_root_can_run_tasks_as_others() -> None:
    host = HostLookup(NOBODY.pw_uid)
    assert refusal(host, "root")[0] == "only root can run tasks as 'root', and this daemon is 'nobody'"
    assert refusal(host, "", "tty")[0].startswith("only root can run tasks with group")


def test_zones_by_name() -> None:
    zone = HostLookup(ROOT).zone("Europe/Helsinki")
    assert (zone.name, zone.variable, str(zone.tzinfo)) == ("Europe/Helsinki",) * 3


@pytest.mark.parametrize("name", ["europe/helsinki", "Europe/Helsinky"])
def test_a_zone_that_is_not_there(name: str) -> None:
    with pytest.raises(BadValue, match="there is no time zone") as caught:
        HostLookup(ROOT).zone(name)
    assert caught.value.under(())[0].hint == "did you mean Europe/Helsinki?"


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/localtime", "Europe", "\0", "x" * 5000, "zzzzz"])
def test_a_zone_that_cannot_be(name: str) -> None:
    with pytest.raises(BadValue, match="there is no time zone"):
        HostLookup(ROOT).zone(name)


def test_no_zone_is_the_daemon_s() -> None:
    host = HostLookup(ROOT)
    host.daemon_zone = host.zone("Asia/Kathmandu")
    assert host.zone("") == host.zone("Asia/Kathmandu")


def test_local_is_where_the_link_leads(tmp_path: Path) -> None:
    link = tmp_path / "localtime"
    link.symlink_to("../usr/share/zoneinfo/Asia/Kathmandu")
    assert HostLookup(ROOT, link).zone("local").name == "Asia/Kathmandu"


def test_local_is_what_is_in_the_file_where_there_is_no_link(tmp_path: Path) -> None:
    file = tmp_path / "localtime"
    shutil.copy("/usr/share/zoneinfo/Asia/Kathmandu", file)
    zone = HostLookup(ROOT, file).zone("local")
    assert (zone.name, zone.variable) == ("localtime", f":{file}")
    assert "localtime" in str(zone.tzinfo)


def test_local_is_what_is_in_the_file_where_the_link_leads_elsewhere(tmp_path: Path) -> None:
    file = tmp_path / "zone"
    shutil.copy("/usr/share/zoneinfo/Asia/Kathmandu", file)
    link = tmp_path / "localtime"
    link.symlink_to(file)
    assert HostLookup(ROOT, link).zone("local").name == "localtime"


@pytest.mark.parametrize("content", [None, b"no zone"])
def test_local_is_utc_where_nothing_says_otherwise(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "localtime"
    if content:
        file.write_bytes(content)
    assert HostLookup(ROOT, file).zone("local").name == "UTC"


def test_utc_needs_no_zone_data() -> None:
    """A minimal host has none."""
    assert HostLookup(ROOT).zone("UTC").tzinfo is UTC


def test_what_was_noted_still_holds_or_not() -> None:
    host = HostLookup(ROOT)
    noted = host.record_answers()
    host.identity("nobody", "")
    host.zone("Asia/Kathmandu")
    assert host.is_unchanged(noted)
    assert HostLookup(ROOT).is_unchanged(noted)
    noted.identities["nobody", ""] = None
    assert not host.is_unchanged(noted)


def test_what_has_gone_does_not_hold_any_more() -> None:
    noted = HostLookup(ROOT).record_answers()
    noted.identities["nobdy", ""] = None
    assert not HostLookup(ROOT).is_unchanged(noted)


def test_another_zone_of_the_daemon_does_not_hold() -> None:
    host = HostLookup(ROOT)
    noted = host.record_answers()
    host.zone("")
    host.daemon_zone = host.zone("Asia/Kathmandu")
    assert not host.is_unchanged(noted)


def test_programs_are_found_as_by_execvp(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.touch()
    program.chmod(0o755)
    (tmp_path / "data").touch()
    host = HostLookup(ROOT)
    assert host.executable(str(program), "")
    assert host.executable("program", f"/nowhere::{tmp_path}")
    assert not host.executable("program", "")
    assert not host.executable(str(tmp_path / "data"), "")
    assert not host.executable(str(tmp_path), "")
    assert not host.executable(str(tmp_path / "none"), "")


def test_files_and_directories(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    host = HostLookup(ROOT)
    assert host.is_directory(str(tmp_path))
    assert not host.is_directory(str(tmp_path / "file"))
    assert host.is_file(str(tmp_path / "file"))
    assert not host.is_file(str(tmp_path))
    assert not host.is_file(str(tmp_path / "none"))


@root_only
def test_where_we_may_not_look_all_is_well(tmp_path: Path) -> None:
    """`check` by an ordinary user must not cry wolf."""
    hidden = tmp_path / "hidden"
    hidden.mkdir(mode=0o700)
    tmp_path.chmod(0o755)
    host = HostLookup(ROOT)
    with being(NOBODY.pw_uid):
        assert host.executable(f"{hidden}/program", "")
        assert host.is_directory(f"{hidden}/directory")
        assert host.is_file(f"{hidden}/file")
