"""The launcher that was built with the package, and its request."""

import os

import pytest

from rocketd.core.model.task import Identity, Limit
from rocketd.executor.process.launcher_protocol import LAUNCHER, Launcher, LaunchRequest


@pytest.mark.skipif("PYTHONPATH" in os.environ, reason="a source tree has none")
def test_the_package_has_its_launcher() -> None:
    """Without it, nothing with a user, limits or a priority of its own would start."""
    assert os.access(LAUNCHER, os.X_OK)
    launcher = Launcher()
    assert LAUNCHER.samefile(launcher.program())
    launcher.close()


def request(**changes: object) -> LaunchRequest:
    identity = Identity(1000, 100, (7, 100), "alice", "/home/alice", "/bin/sh")
    plain = LaunchRequest(
        argv=("/bin/true",),
        directory="/",
        home_optional=True,
        umask=0o022,
        nice=5,
        limits=(Limit(7, 10, -1),),
        identity=identity,
        environment={"A": "ä"},
        environment_files=("-/env",),
        run_environment={"B": ""},
    )
    return plain._replace(**changes)  # type: ignore[arg-type] # its fields


def test_a_request_is_numbers_and_texts_with_their_lengths() -> None:
    def number(value: int) -> bytes:
        return value.to_bytes(8, "little", signed=True)

    def texts(*values: str) -> bytes:
        encoded = [value.encode() for value in values]
        return number(len(values)) + b"".join(number(len(one)) + one + b"\0" for one in encoded)

    numbers = [1, 0o022, 1, 7, 10, -1, 1, 5, 1, 1000, 100, 2, 7, 100]
    expected = b"".join(map(number, numbers)) + texts("A=ä") + texts("-/env") + texts("B=")
    assert request().encode() == expected + number(1) + b"/\0" + number(1) + texts("/bin/true")


@pytest.mark.parametrize(
    "changes",
    [
        {"argv": ("a\0",)},
        {"directory": "\0"},
        {"environment": {"A=": ""}},
        {"environment": {"A": "\0"}},
        {"run_environment": {"=": ""}},
    ],
)
def test_what_no_process_can_have_is_not_a_request(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"null byte|variable name"):
        request(**changes).encode()
