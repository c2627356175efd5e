"""From a task and a run to what is executed: program, arguments, environment, directory, standard input."""

# ruff: noqa: PTH110, PTH112, PTH116, PTH118, PTH123
# Names of programs stay strings: they are joined and looked up at every start, and an empty one has a meaning.

import errno
import os
import resource
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from rocketd.core.errors import RocketdError
from rocketd.core.run import Run
from rocketd.core.task import Call, Command, Function, Work
from rocketd.executor.environment import environment_of
from rocketd.executor.files import Files
from rocketd.executor.function import arguments, request
from rocketd.executor.mounts import Mounts
from rocketd.executor.wrappers import WRAPPERS, Wrappers

WRAPPERS_OWN: Final = frozenset({125, 126, 127})
"""With these exit codes the wrappers say that they failed themselves, or could not execute what comes after them."""

WRAPPERS_FAULT: Final = 125


class Launch(NamedTuple):
    """All that is needed to start a process; a tuple, as one is made for each run."""

    program: str
    """The file that is executed: the first wrapper if there are any."""
    argv: tuple[str, ...]
    target: str
    """The task's own program, for messages."""
    environment: Mapping[str, str]
    directory: str
    homeless: bool
    """Whether `/` will do where that directory does not exist."""
    umask: int
    stdin: bytes
    """Empty: /dev/null."""
    reports: bool
    """Whether it reports on descriptor 3: a function does."""
    limits_files: bool
    """Whether the task itself limits how many files it may open."""


@dataclass(frozen=True, slots=True)
class Host:
    """What is looked up once, and holds for every launch."""

    wrappers: Wrappers
    mounts: Mounts
    files: Files
    clean: Mapping[str, str]
    """The environment that all get."""


def launch_of(work: Work, run: Run, host: Host) -> Launch:
    """Look everything up; raises RocketdError, as a sentence that goes on after "cannot start: "."""
    if isinstance(work, Call):
        raise RocketdError("it is a function of another program")
    around = work.surroundings
    identity = around.identity or host.wrappers.own
    environment = environment_of(host.clean, identity, around, run, host.files.read)
    argv = work.argv if isinstance(work, Command) else arguments(work)
    directory = around.directory or identity.home
    far = host.mounts.may_hang(directory, os.path.join(directory, argv[0]))
    target = find_program(argv[0], "/" if far else directory, environment["PATH"], host.mounts)
    far = far or "/" not in target
    front = host.wrappers.around(around, enter=directory if far else "")
    directory = "/" if far else directory
    if front and not far:
        _check_program(target, directory)
    return Launch(
        program=front[0] if front else target,
        argv=(*front, target, *argv[1:]) if front else argv,
        target=target,
        environment=environment,
        directory=directory,
        homeless=not around.directory,
        umask=around.umask,
        stdin=work.stdin.encode() if isinstance(work, Command) else request(work),
        reports=isinstance(work, Function),
        limits_files=any(limit.resource == resource.RLIMIT_NOFILE for limit in around.limits),
    )


def find_program(name: str, directory: str, path: str, mounts: Mounts) -> str:
    """Find a program as execvp(3) does, by the path of the process to come; raises RocketdError if there is none.

    Where looking for it may hang, the name is all there is, and the child must look.
    """
    if "/" in name:
        return name
    for place in path.split(":"):
        candidate = os.path.join(directory, place, name)
        if mounts.may_hang(candidate):
            return name
        if os.access(candidate, os.X_OK) and not os.path.isdir(candidate):
            return candidate
    raise RocketdError(f"{name}: not found in {path}")


def _check_program(target: str, directory: str) -> None:
    """Say now what a wrapper could only say by its exit code, as far as root can know it."""
    try:
        mode = os.stat(os.path.join(directory, target)).st_mode
    except OSError as error:
        raise RocketdError(f"{target}: {error.strerror}") from None
    if not stat.S_ISREG(mode) or not mode & 0o111:
        raise RocketdError(f"{target}: {os.strerror(errno.EACCES)}", hint=f"it is {stat.filemode(mode)}")
    if interpreter := missing_interpreter(target, directory):
        raise RocketdError(f"{target}: its interpreter {interpreter} does not exist")


def missing_interpreter(target: str, directory: str) -> str:
    """Name the interpreter of a script's `#!` line if that is what does not exist; else nothing."""
    try:
        with open(os.path.join(directory, target), "rb") as file:
            first = file.read(256).split(b"\n", 1)[0]
    except OSError:
        return ""
    interpreter = first.removeprefix(b"#!").split()[:1] if first.startswith(b"#!") else []
    return "".join(os.fsdecode(name) for name in interpreter if not os.path.exists(name))


def wrapper_failure(launch: Launch, exit_code: int | None, output: str) -> str:
    """Say so if it was the last wrapper that ended, because it could not execute the task's program; else nothing."""
    if launch.program == launch.target or exit_code not in WRAPPERS_OWN:
        return ""
    name, _, why = output.strip().rpartition("\n")[2].partition(": ")
    if name.rpartition("/")[2] not in WRAPPERS:
        return ""
    if launch.target in why:
        return f"cannot start: {launch.target}: {why.rpartition(': ')[2]}"
    return f"cannot start: {why}" if exit_code == WRAPPERS_FAULT else ""
