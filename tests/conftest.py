"""What holds for every test: the installed package is tested, not the source tree."""

import os
import signal
import sysconfig
from pathlib import Path

import pytest
from hypothesis import settings
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

import rocketd

# Without ROCKETD_CASES the same cases each time: a change that has to pass does not fail by chance.
# No deadline, as a busy machine is no failure.
settings.register_profile(
    "repeatable",
    deadline=None,
    max_examples=int(os.environ.get("ROCKETD_CASES", "100")),
    derandomize="ROCKETD_CASES" not in os.environ,
)
settings.load_profile("repeatable")


def pytest_configure() -> None:
    """Refuse to test the source tree by accident: a file that the wheel lacks would go unnoticed.

    `PYTHONPATH=. pytest …` chooses it on purpose, for a quick look while writing.
    """
    _want_interrupts()
    found = Path(rocketd.__file__).parent
    wanted = Path(sysconfig.get_path("purelib")) / "rocketd"
    assert found == wanted or "PYTHONPATH" in os.environ, f"rocketd comes from {found}, not {wanted}: call `make test`"


def _want_interrupts() -> None:
    """Undo what a shell does to what it starts in the background: the tests interrupt programs, which inherit that."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


class Together(LoadScopeScheduling):  # type: ignore[misc] # xdist has no types for it
    """One worker gets all of a file, or all of the system tests of one Debian release: what they share is made once."""

    def _split_scope(self, nodeid: str) -> str:
        parameters = nodeid.partition("[")[2]
        releases = [release for release in ("bookworm", "trixie", "noble") if release in parameters]
        return releases[0] if releases else nodeid.partition("::")[0]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    return Together(config, log)
