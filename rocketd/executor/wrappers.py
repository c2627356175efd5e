"""What a process needs that it cannot get from posix_spawn: put in front of its argv, as programs that end in exec.

Limits and priority come first, as root; then `setpriv` drops privileges. Where a directory or a program may hang (see
`mounts`), `env` enters the directory as the user, who may be allowed on a file server what root is not.

Only a task that needs something gets a wrapper. The alternatives cost the daemon more than a small program costs the
child: `preexec_fn` and `subprocess.Popen(user=…)` fork the whole daemon, and giving the spawning thread another real
uid for a moment would let that user send it signals.
"""

import os
import resource
import shutil
from collections.abc import Callable
from typing import Final

from rocketd.core.errors import RocketdError
from rocketd.core.task import Identity, Limit, Surroundings
from rocketd.executor.environment import own_identity

WRAPPERS: Final = ("prlimit", "nice", "setpriv", "env")
PLACES: Final = "/usr/bin:/bin:/usr/sbin:/sbin"
"""Where the wrappers are looked for: never where a user could put one."""

_OPTIONS: Final = {
    "RLIMIT_AS": "--as",
    "RLIMIT_CORE": "--core",
    "RLIMIT_CPU": "--cpu",
    "RLIMIT_DATA": "--data",
    "RLIMIT_FSIZE": "--fsize",
    "RLIMIT_MEMLOCK": "--memlock",
    "RLIMIT_MSGQUEUE": "--msgqueue",
    "RLIMIT_NICE": "--nice",
    "RLIMIT_NOFILE": "--nofile",
    "RLIMIT_NPROC": "--nproc",
    "RLIMIT_RSS": "--rss",
    "RLIMIT_RTPRIO": "--rtprio",
    "RLIMIT_RTTIME": "--rttime",
    "RLIMIT_SIGPENDING": "--sigpending",
    "RLIMIT_STACK": "--stack",
}
_OPTION: Final = {getattr(resource, name): option for name, option in _OPTIONS.items()} | {10: "--locks"}
"""By number; Python has no name for RLIMIT_LOCKS."""


class Wrappers:
    """Knows who we are, and where the wrappers are."""

    def __init__(self, find: Callable[[str], str | None] = lambda name: shutil.which(name, path=PLACES)) -> None:
        self._found = {name: find(name) for name in WRAPPERS}
        self._own = own_identity()
        self._nice = os.getpriority(os.PRIO_PROCESS, 0)

    @property
    def own(self) -> Identity:
        """Who the daemon is, and so a task that names no user."""
        return self._own

    def around(self, surroundings: Surroundings, enter: str = "") -> tuple[str, ...]:
        """What to put in front of a task's argv; raises RocketdError for what cannot be had.

        With `enter`, it is the child that goes into that directory.
        """
        if surroundings.identity is None and not enter and not surroundings.limits and surroundings.nice == self._nice:
            return ()  # most tasks
        return (
            *self._limits(surroundings.limits),
            *self._niceness(surroundings.nice - self._nice),
            *self._privileges(surroundings.identity or self._own),
            *self._entry(enter),
        )

    def _limits(self, limits: tuple[Limit, ...]) -> tuple[str, ...]:
        if not limits:
            return ()
        return (self._need("prlimit"), *(_limit_option(limit) for limit in limits), "--")

    def _niceness(self, by: int) -> tuple[str, ...]:
        if by == 0:
            return ()
        return (self._need("nice"), "-n", str(by), "--")

    def _privileges(self, identity: Identity) -> tuple[str, ...]:
        if _rights(identity) == _rights(self._own):
            return ()
        if self._own.uid != 0:
            raise RocketdError(f"only root can run it as {identity.name}", hint=f"this daemon is {self._own.name}")
        groups = ",".join(str(group) for group in sorted({*identity.groups, identity.gid}))
        ids = (f"--reuid={identity.uid}", f"--regid={identity.gid}", f"--groups={groups}")
        return (self._need("setpriv"), *ids, "--inh-caps=-all", "--")

    def _entry(self, directory: str) -> tuple[str, ...]:
        if not directory:
            return ()
        return (self._need("env"), f"--chdir={directory}", "--")

    def _need(self, name: str) -> str:
        found = self._found[name]
        if found is None:
            raise RocketdError(f"{name} is not installed", hint=f"it was looked for in {PLACES}")
        return found


def _rights(identity: Identity) -> tuple[int, int, frozenset[int]]:
    return identity.uid, identity.gid, frozenset({*identity.groups, identity.gid})


def _limit_option(limit: Limit) -> str:
    return f"{_OPTION[limit.resource]}={_amount(limit.soft)}:{_amount(limit.hard)}"


def _amount(value: int) -> str:
    return "unlimited" if value < 0 else str(value)
