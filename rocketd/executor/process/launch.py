"""From a task and a run to what is executed: program, arguments, environment, directory, standard input.

There are two ways to start a process. **Directly**: what is to be entered, read and executed can be steered by nobody
but root and the daemon's own user, and lies where files answer (see `path_trust`), and the process has the daemon's own
rights, limits and priority. **By the launcher** (launcher.c): everything else.
"""

import resource
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple

from rocketd.core.errors import RocketdError
from rocketd.core.model.run import Run
from rocketd.core.model.task import Call, Command, Function, Identity, Surroundings, Work
from rocketd.executor.process.environment import PATH, environment_before, read_environment_file, variables_of
from rocketd.executor.process.environment_files import EnvironmentFiles
from rocketd.executor.process.function_protocol import arguments, request
from rocketd.executor.process.launcher import Orders
from rocketd.executor.process.path_trust import UntrustedPath
from rocketd.executor.process.programs import Programs


class Launch(NamedTuple):
    """All that is needed to start a process; a tuple, as one is made for each run."""

    program: str
    """The file that is executed; empty: that is the launcher's to find."""
    argv: tuple[str, ...]
    environment: Mapping[str, str]
    directory: str
    homeless: bool
    """Whether `/` will do where that directory does not exist, or may not be entered."""
    umask: int
    stdin: bytes
    """Empty: /dev/null."""
    reports: bool
    """Whether it reports on descriptor 3: a function does."""
    limits_files: bool
    """Whether the task itself limits how many files it may open."""
    orders: Orders | None = None
    """For the launcher; None: it is started directly."""

    @property
    def target(self) -> str:
        """The task's program, for messages."""
        return self.program or self.argv[0]


@dataclass(frozen=True, slots=True)
class LaunchContext:
    """What is looked up once, and holds for every launch."""

    own: Identity
    """Who the daemon is, and so a task that names no user."""
    nice: int
    """The daemon's own priority."""
    files: EnvironmentFiles
    programs: Programs
    clean: Mapping[str, str]
    """The environment that all get."""

    def other_identity(self, around: Surroundings) -> Identity | None:
        """Give who a process has to become; raises RocketdError where that may not be."""
        identity = around.identity
        if identity is None or _rights(identity) == _rights(self.own):
            return None
        if self.own.uid != 0:
            raise RocketdError(f"only root can run it as {identity.name}", hint=f"this daemon is {self.own.name}")
        return identity


def build_launch(work: Work, run: Run, host: LaunchContext) -> Launch:
    """Look everything up; raises RocketdError, as a sentence that goes on after "cannot start: "."""
    if isinstance(work, Call):
        raise RocketdError("it is a function of another program")
    around = work.surroundings
    other = host.other_identity(around)
    if other is None and not around.limits and around.nice == host.nice:
        with suppress(UntrustedPath):
            return _direct(work, run, host)
    return _launched(work, run, host, other)


def _direct(work: Command | Function, run: Run, host: LaunchContext) -> Launch:
    """Look everything up ourselves; raises Untrusted where we must not."""
    around = work.surroundings
    identity = around.identity or host.own
    own = variables_of(run)
    environment = own | environment_before(host.clean, identity, around)
    for file in around.environment_files:
        environment.update(read_environment_file(file, host.files.read))
    environment.update(own)
    directory = around.directory or identity.home
    argv = argv_of(work)
    program = host.programs.find(argv[0], directory, environment.get("PATH", PATH))
    return _launch(work, program, argv, environment, directory)


def _launched(work: Command | Function, run: Run, host: LaunchContext, other: Identity | None) -> Launch:
    """Leave everything to the launcher."""
    around = work.surroundings
    identity = around.identity or host.own
    argv, directory = argv_of(work), around.directory or identity.home
    orders = Orders(
        argv=argv,
        directory=directory,
        homeless=not around.directory,
        umask=around.umask,
        nice=None if around.nice == host.nice else around.nice,
        limits=around.limits,
        identity=other,
        environment=environment_before(host.clean, identity, around),
        environment_files=around.environment_files,
        own=variables_of(run),
    )
    return _launch(work, "", argv, {}, directory, orders)


def _launch(  # noqa: PLR0913, PLR0917 - what the two ways give
    work: Command | Function,
    program: str,
    argv: tuple[str, ...],
    environment: Mapping[str, str],
    directory: str,
    orders: Orders | None = None,
) -> Launch:
    around = work.surroundings
    return Launch(
        program=program,
        argv=argv,
        environment=environment,
        directory=directory,
        homeless=not around.directory,
        umask=around.umask,
        stdin=work.stdin.encode() if isinstance(work, Command) else request(work),
        reports=isinstance(work, Function),
        limits_files=any(limit.resource == resource.RLIMIT_NOFILE for limit in around.limits),
        orders=orders,
    )


def cannot_start(error: RocketdError) -> str:
    """Say that a run cannot be started, and why."""
    return f"cannot start: {error.message}" + (f" ({error.hint})" if error.hint else "")


def argv_of(work: Command | Function) -> tuple[str, ...]:
    """Give the arguments of a process, its program first."""
    return work.argv if isinstance(work, Command) else arguments(work)


def _rights(identity: Identity) -> tuple[int, int, frozenset[int]]:
    return identity.uid, identity.gid, frozenset({*identity.groups, identity.gid})
