"""What `check` knows of the rights of a daemon that does not run."""

import pytest

from rocketd.cli.backend.daemon_rights import unit_is_confined


@pytest.mark.parametrize(
    ("shown", "confined"),
    [
        ("LoadState=loaded\nCapabilityBoundingSet=cap_dac_read_search\n", True),
        ("LoadState=loaded\nCapabilityBoundingSet=cap_chown cap_setgid cap_setuid cap_sys_admin\n", False),
        ("LoadState=loaded\nCapabilityBoundingSet=cap_chown cap_setgid\n", True),
        ("LoadState=loaded\nCapabilityBoundingSet=\n", True),
        ("LoadState=not-found\nCapabilityBoundingSet=\n", False),
        ("", False),
    ],
)
def test_a_unit_that_takes_what_processes_need_confines_them(shown: str, confined: bool) -> None:  # noqa: FBT001 - a value
    assert unit_is_confined(shown) is confined
