"""From a task and a run to what is executed: program, arguments, environment, directory, standard input."""

import errno
import os
import resource
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from rocketd.core.errors import RocketdError
from rocketd.core.run import Run
from rocketd.core.task import Command, Function, Identity, Surroundings
from rocketd.executor.environment import environment_of
from rocketd.executor.function import arguments, request
from rocketd.executor.wrappers import WRAPPERS, Wrappers

WRAPPERS_OWN: Final = frozenset({126, 127})
"""With these exit codes the wrappers say that they could not execute what comes after them."""


@dataclass(frozen=True, slots=True)
class Launch:
    """All that is needed to start a process."""

    program: str
    """The file that is executed: the first wrapper if there are any."""
    argv: tuple[str, ...]
    target: str
    """The task's own program, for messages."""
    environment: Mapping[str, str]
    directory: str
    umask: int
    stdin: bytes
    """Empty: /dev/null."""
    reports: bool
    """Whether it reports on descriptor 3: a function does."""
    limits_files: bool
    """Whether the task itself limits how many files it may open."""


def launch_of(work: Command | Function, run: Run, wrappers: Wrappers, clean: Mapping[str, str]) -> Launch:
    """Look everything up; raises RocketdError, as a sentence that goes on after "cannot start: "."""
    around = work.surroundings
    identity = around.identity or wrappers.own
    environment = environment_of(clean, identity, around, run)
    directory = directory_of(around, identity)
    argv = work.argv if isinstance(work, Command) else arguments(work)
    front = wrappers.around(around)
    target = find_program(argv[0], directory, environment["PATH"])
    if front:
        _check_program(target, directory)
    return Launch(
        program=front[0] if front else target,
        argv=(*front, target, *argv[1:]) if front else argv,
        target=target,
        environment=environment,
        directory=directory,
        umask=around.umask,
        stdin=work.stdin.encode() if isinstance(work, Command) else request(work),
        reports=isinstance(work, Function),
        limits_files=any(limit.resource == resource.RLIMIT_NOFILE for limit in around.limits),
    )


def directory_of(around: Surroundings, identity: Identity) -> str:
    """Where it runs: as told, else the user's home, else `/` (`nobody` has no home, and yet may run)."""
    if around.directory:
        return around.directory
    return identity.home if identity.home.startswith("/") and os.path.isdir(identity.home) else "/"  # noqa: PTH112


def find_program(name: str, directory: str, path: str) -> str:
    """Find a program as execvp(3) does, by the path of the process to come; raises RocketdError if there is none."""
    if "/" in name:
        return name
    for place in path.split(":"):
        candidate = os.path.join(directory, place, name)  # noqa: PTH118 - an empty place is the directory itself
        if os.access(candidate, os.X_OK) and not os.path.isdir(candidate):  # noqa: PTH112 - as above
            return candidate
    raise RocketdError(f"{name}: not found in {path}")


def _check_program(target: str, directory: str) -> None:
    """Say now what a wrapper could only say by its exit code, as far as root can know it."""
    try:
        mode = os.stat(os.path.join(directory, target)).st_mode  # noqa: PTH116, PTH118 - plain strings throughout
    except OSError as error:
        raise RocketdError(f"{target}: {error.strerror}") from None
    if not stat.S_ISREG(mode) or not mode & 0o111:
        raise RocketdError(f"{target}: {os.strerror(errno.EACCES)}", hint=f"it is {stat.filemode(mode)}")


def missing_interpreter(target: str, directory: str) -> str:
    """Name the interpreter of a script's `#!` line if that is what does not exist; else nothing."""
    try:
        with open(os.path.join(directory, target), "rb") as file:  # noqa: PTH118, PTH123 - as above
            first = file.read(256).split(b"\n", 1)[0]
    except OSError:
        return ""
    interpreter = first.removeprefix(b"#!").split()[:1] if first.startswith(b"#!") else []
    return "".join(os.fsdecode(name) for name in interpreter if not os.path.exists(name))  # noqa: PTH110 - as above


def wrapper_failure(launch: Launch, exit_code: int | None, output: str) -> str:
    """Say so if it was the last wrapper that ended, because it could not execute the task's program; else nothing."""
    if launch.program == launch.target or exit_code not in WRAPPERS_OWN:
        return ""
    name, _, why = output.strip().rpartition("\n")[2].partition(": ")
    if name.rpartition("/")[2] not in WRAPPERS or launch.target not in why:
        return ""
    return f"cannot start: {launch.target}: {why.rpartition(': ')[2]}"
