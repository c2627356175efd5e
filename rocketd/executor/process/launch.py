"""Builds the launch of a run: program, arguments, environment, directory, standard input.

There are two ways to start a process. **Directly**, if only root and the daemon's own user control every path that is
entered, read or executed, if these paths are on file systems that respond (see `path_trust`), and if the process has
the daemon's own rights, limits and priority. **By the launcher** (launcher.c): everything else.
"""

import resource
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import NamedTuple

from rocketd.core.dataclass import dataclass
from rocketd.core.errors import RocketdError
from rocketd.core.model.run import Run
from rocketd.core.model.task import Call, Command, Function, Identity, Surroundings, Work
from rocketd.executor.process.environment import PATH, read_environment_file, run_variables, task_environment
from rocketd.executor.process.environment_files import EnvironmentFiles
from rocketd.executor.process.function_protocol import child_argv, encode_request
from rocketd.executor.process.launcher_protocol import LaunchRequest
from rocketd.executor.process.path_trust import UntrustedPath
from rocketd.executor.process.programs import Programs


class Launch(NamedTuple):
    """Everything that is needed to start a process; a tuple, as one is made for each run."""

    program: str
    """The file that is executed; empty: the launcher finds it."""
    argv: tuple[str, ...]
    environment: Mapping[str, str]
    directory: str
    home_optional: bool
    """Whether `/` is used if the directory does not exist or may not be entered."""
    umask: int
    stdin: bytes
    """Empty: /dev/null."""
    reports: bool
    """Whether it writes a report to descriptor 3, as functions do."""
    limits_files: bool
    """Whether the task sets RLIMIT_NOFILE itself."""
    request: LaunchRequest | None = None
    """For the launcher; None: the process is started directly."""

    @property
    def target(self) -> str:
        """The program of the task, for messages."""
        return self.program or self.argv[0]


@dataclass(frozen=True, slots=True)
class LaunchContext:
    """What all launches have in common."""

    daemon_identity: Identity
    """The daemon's own identity, and that of a task without a user."""
    nice: int
    """The daemon's own nice value."""
    environment_files: EnvironmentFiles
    programs: Programs
    clean_environment: Mapping[str, str]
    """The variables that all processes get."""
    variables: Callable[[Run], Mapping[str, str]] = run_variables
    """Return those that say which run it is."""
    confined: bool = False
    """Whether the daemon is root and cannot become another user."""

    def other_identity(self, surroundings: Surroundings) -> Identity | None:
        """Return the identity that a process has to switch to; None for the daemon's own. Raises RocketdError."""
        identity = surroundings.identity
        if identity is None or _rights(identity) == _rights(self.daemon_identity):
            return None
        if self.daemon_identity.uid != 0:
            raise RocketdError(
                f"only root can run it as {identity.name}", hint=f"this daemon is {self.daemon_identity.name}"
            )
        if self.confined:
            raise RocketdError(
                f"the sandbox of rocketd's own service lets no process become {identity.name}",
                hint="units are not in it: see rocketctl check",
            )
        return identity


def build_launch(work: Work, run: Run, context: LaunchContext) -> Launch:
    """Return the launch of a run; raises RocketdError with a message that completes "cannot start: "."""
    if isinstance(work, Call):
        raise RocketdError("it is a function of another program")
    surroundings = work.surroundings
    other = context.other_identity(surroundings)
    if other is None and not surroundings.limits and surroundings.nice == context.nice:
        with suppress(UntrustedPath):
            return _direct_launch(work, run, context)
    return _launcher_launch(work, run, context, other)


def _direct_launch(work: Command | Function, run: Run, context: LaunchContext) -> Launch:
    """Resolve every path in the daemon; raises UntrustedPath where it must not."""
    surroundings = work.surroundings
    identity = surroundings.identity or context.daemon_identity
    run_environment = dict(context.variables(run))
    environment = run_environment | task_environment(context.clean_environment, identity, surroundings)
    for file in surroundings.environment_files:
        environment.update(read_environment_file(file, context.environment_files.read))
    environment.update(run_environment)
    directory = surroundings.directory or identity.home
    argv = argv_of(work)
    program = context.programs.find(argv[0], directory, environment.get("PATH", PATH))
    return _new_launch(work, program, argv, environment, directory)


def _launcher_launch(work: Command | Function, run: Run, context: LaunchContext, other: Identity | None) -> Launch:
    """Leave all paths to the launcher."""
    surroundings = work.surroundings
    identity = surroundings.identity or context.daemon_identity
    argv, directory = argv_of(work), surroundings.directory or identity.home
    request = LaunchRequest(
        argv=argv,
        directory=directory,
        home_optional=not surroundings.directory,
        umask=surroundings.umask,
        nice=None if surroundings.nice == context.nice else surroundings.nice,
        limits=surroundings.limits,
        identity=other,
        environment=task_environment(context.clean_environment, identity, surroundings),
        environment_files=surroundings.environment_files,
        run_environment=context.variables(run),
    )
    return _new_launch(work, "", argv, {}, directory, request)


def _new_launch(  # noqa: PLR0913, PLR0917 - where the two ways differ
    work: Command | Function,
    program: str,
    argv: tuple[str, ...],
    environment: Mapping[str, str],
    directory: str,
    request: LaunchRequest | None = None,
) -> Launch:
    surroundings = work.surroundings
    return Launch(
        program=program,
        argv=argv,
        environment=environment,
        directory=directory,
        home_optional=not surroundings.directory,
        umask=surroundings.umask,
        stdin=work.stdin.encode() if isinstance(work, Command) else encode_request(work),
        reports=isinstance(work, Function),
        limits_files=any(limit.resource == resource.RLIMIT_NOFILE for limit in surroundings.limits),
        request=request,
    )


def cannot_start(error: RocketdError) -> str:
    """Return the message of a run that cannot be started."""
    return f"cannot start: {error.message}" + (f" ({error.hint})" if error.hint else "")


def argv_of(work: Command | Function) -> tuple[str, ...]:
    """Return the arguments of a process, its program first."""
    return work.argv if isinstance(work, Command) else child_argv(work)


def _rights(identity: Identity) -> tuple[int, int, frozenset[int]]:
    return identity.uid, identity.gid, frozenset({*identity.groups, identity.gid})
