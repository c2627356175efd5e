"""Whether a daemon of root can become another user, read from /proc/PID/status."""

import os
from pathlib import Path

import pytest

from rocketd.executor.process.capabilities import confined_by, is_confined

STATUS = "Name:\trocketd\nUid:\t{uid}\t{uid}\t{uid}\t{uid}\nCapEff:\t0\nCapBnd:\t{bounding}\nSeccomp:\t2\n"


@pytest.mark.parametrize(
    ("uid", "bounding", "confined"),
    [
        (0, "000001ffffffffff", False),
        (0, "0000000000000000", True),
        (0, "0000000000000004", True),
        (0, "0000000000000080", True),  # no CAP_SETGID
        (0, "00000000000000c0", False),
        (1000, "0000000000000000", False),  # it never could
    ],
)
def test_root_without_these_capabilities_is_confined(uid: int, bounding: str, *, confined: bool) -> None:
    assert confined_by(STATUS.format(uid=uid, bounding=bounding)) is confined


def test_what_cannot_be_read_is_not_taken_for_a_sandbox(tmp_path: Path) -> None:
    assert not is_confined(1, tmp_path)
    assert not confined_by("")


def test_this_process_can_be_asked_about_by_its_pid() -> None:
    assert is_confined(os.getpid()) is is_confined()
