"""The launcher that was built with the package, and its request."""

import errno
import os
import struct

import pytest

from rocketd.core.errors import ResourceShortage
from rocketd.core.model.task import Identity, Limit
from rocketd.executor.process.launcher_protocol import (
    LAUNCHER,
    Launcher,
    LaunchRequest,
    Stage,
    awaited_resource,
    decode_last_message,
    launch_error,
)


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


# What a launcher reports: it is a process of the task's user, and so are the file systems that it meets


FIELDS = {"stage": 0, "place": 0, "failed": 1, "error": 0, "mode": 0, "hint": 0}
TEXT = bytes(range(1, 233))


def message(**fields: int) -> bytes:
    return struct.pack("=6i232s", *(FIELDS | fields).values(), TEXT)


@pytest.mark.parametrize("error", [errno.ENFILE, errno.ENOMEM, errno.ENOBUFS])
@pytest.mark.parametrize("stage", Stage)
def test_what_a_users_file_system_answers_says_nothing_about_the_host(stage: Stage, error: int) -> None:
    found = launch_error(request(limits=()), decode_last_message(message(stage=stage, error=error)))
    assert isinstance(found, ResourceShortage)
    assert found.shared == (stage <= Stage.IDENTITY)


@pytest.mark.parametrize("error", [0, errno.ENOENT, -(2**31), 2**31 - 1])
@pytest.mark.parametrize("value", [-(2**31), -1, 9, 2**31 - 1])
@pytest.mark.parametrize("field", ["place", "mode", "hint", "stage"])
def test_no_message_is_more_than_a_sentence(field: str, value: int, error: int) -> None:
    for stage in range(-1, len(Stage) + 1):
        decoded = decode_last_message(message(**{"stage": stage, "error": error, field: value}))
        assert launch_error(request(), decoded).message
        assert awaited_resource(request(), decoded)


@pytest.mark.parametrize("fields", [{"stage": -1}, {"stage": len(Stage)}, {"hint": -1}, {"hint": 3}])
def test_what_no_launcher_writes_counts_as_no_message(fields: dict[str, int]) -> None:
    assert decode_last_message(message(**fields)) == decode_last_message(b"")
