"""A task: a named thing to do, with its conditions. Immutable, and nothing left to look up."""

from datetime import UTC, tzinfo
from enum import StrEnum
from typing import Final, TypeAlias

from rocketd.core.dataclass import dataclass, field
from rocketd.core.instant import SECOND, Duration
from rocketd.core.model.condition import FALSE, Condition
from rocketd.core.model.engine import Engine
from rocketd.core.model.operators import NO_OPERATORS, Operators
from rocketd.core.model.run_on import RunOn
from rocketd.core.model.secret import Secret
from rocketd.core.model.work_calendar import NO_CALENDARS, Calendars

CLEAN_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""PATH in the clean environment of a run: that of a login of root, for every user."""
_TRUE: Final = frozenset({"1", "yes", "y", "true", "t", "on"})
"""What systemd takes for yes."""


class Overlap(StrEnum):
    """What to do with a task that is due while it is still running."""

    WAIT = "wait"
    SKIP = "skip"
    REPLACE = "replace"
    ALLOW = "allow"


class On(StrEnum):
    """An occasion at which a task runs besides its condition."""

    BOOT = "boot"
    STARTUP = "startup"
    SHUTDOWN = "shutdown"


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a process runs as: what a login of that user would have."""

    uid: int
    gid: int
    groups: tuple[int, ...]
    """Supplementary group ids."""
    name: str
    home: str
    shell: str


@dataclass(frozen=True, slots=True)
class Limit:
    """One resource limit: `resource` is a RLIMIT_… number of setrlimit(2); -1 means no limit."""

    resource: int
    soft: int
    hard: int


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Everything a run's process gets beside its program."""

    identity: Identity | None = None
    """None: the daemon's own."""
    directory: str = ""
    """Absolute; empty: the user's home."""
    umask: int = 0o022
    nice: int = 0
    limits: tuple[Limit, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    """On top of the clean one (PATH HOME USER LOGNAME SHELL LANG TZ)."""
    environment_files: tuple[str, ...] = ()
    """Read at each start, later ones win; one with `-` in front may be missing: EnvironmentFile= of systemd.exec(5)."""
    timezone: str = ""
    """What TZ says; empty: not set."""


class OutputKind(StrEnum):
    """What a run may have printed."""

    OUTPUT = "output"
    """Anything at all."""
    STDERR = "stderr"
    """Anything on standard error."""


@dataclass(frozen=True, slots=True)
class Command:
    """A program to run."""

    argv: tuple[str, ...]
    stdin: str = ""
    """What it reads on its standard input; empty: /dev/null."""
    surroundings: Surroundings = Surroundings()
    success_codes: frozenset[int] = frozenset({0})
    inaction_codes: frozenset[int] = frozenset()
    fails_on: frozenset[OutputKind] = frozenset()
    """What it must not print; else its runs fail, whatever their exit code."""


@dataclass(frozen=True, slots=True)
class Function:
    """A Python function to call in a child interpreter."""

    path: str
    """`package.module:function`."""
    python: str = ""
    """The interpreter, absolute; empty: the daemon's own."""
    parameters: str = "{}"
    """Its keyword arguments, as a JSON object."""
    surroundings: Surroundings = Surroundings()


@dataclass(frozen=True, slots=True)
class Mail:
    """Who gets mail about the runs of a task, and about which actions; None: as for every task."""

    receivers: tuple[str, ...] | None = None
    on: tuple[str, ...] | None = None
    """Actions."""


@dataclass(frozen=True, slots=True)
class TaskHooks:
    """The programs that are run when something has happened to a task; None: as for every task."""

    start: tuple[str, ...] | None = None
    """The program and its arguments; empty: none."""
    success: tuple[str, ...] | None = None
    fail: tuple[str, ...] | None = None
    missed: tuple[str, ...] | None = None
    end: tuple[str, ...] | None = None
    recovered: tuple[str, ...] | None = None
    overdue: tuple[str, ...] | None = None
    slow: tuple[str, ...] | None = None
    timeout: Duration | None = None
    """How long one may take."""


@dataclass(frozen=True, slots=True)
class Ping:
    """A URL that is requested when runs start and end, as healthchecks takes it."""

    url: Secret
    on: tuple[str, ...] = ("start", "success", "fail", "missed")


@dataclass(frozen=True, slots=True)
class SlowAfter:
    """From when on a run is slow; one of these is not 0."""

    limit: Duration = 0
    factor: float = 0.0
    """A multiple of what the task usually takes."""


class ExecutorKind(StrEnum):
    """What carries out the runs of a task."""

    AUTO = "auto"
    """Whichever suits the host and the task best."""
    UNIT = "unit"
    """Each run is a transient unit of systemd."""
    PROCESS = "process"
    """Each run is a process of the daemon."""
    ENGINE = "engine"
    """Each run is a job of the engine that the task names."""


class Execution(StrEnum):
    """Where a program runs a function of its own."""

    MAIN = "main"
    """On the loop's thread: everything else waits meanwhile."""
    ASYNC = "async"
    """As a coroutine on the loop."""
    THREAD = "thread"
    PROCESS = "process"
    """In a child process."""


@dataclass(frozen=True, slots=True)
class Call:
    """A function of the program around the scheduler, which finds it by the task's name."""

    execution: Execution


Work: TypeAlias = Command | Function | Call


@dataclass(frozen=True, slots=True)
class Task:
    """A named thing to do, with its conditions. Durations are in microseconds."""

    name: str
    work: Work
    when: Condition = FALSE
    stop_when: Condition = FALSE
    zone: tzinfo = UTC
    zone_name: str = "UTC"
    calendars: Calendars = NO_CALENDARS
    """What the calendars say that its conditions name."""
    timeout: Duration | None = None
    kill_grace: Duration = 10 * SECOND
    overlap: Overlap = Overlap.WAIT
    restart_delay: Duration = SECOND
    crash_limit: int = 3
    mutex: str = ""
    """Empty: none."""
    priority: int = 0
    on: On | None = None
    run_on: RunOn = RunOn.EACH
    splay: Duration = 0
    """Delays its due by a stable part of this."""
    splay_each_run: bool = False
    """Whether that part is another for each run."""
    output_tail: int = 16 * 1024
    """How many bytes of its output the record keeps."""
    output_limit: int | None = None
    """How many bytes of it go to the journal within a minute; None: as the daemon says."""
    output_file: str = ""
    """Where all of it goes as well: an absolute path, perhaps with what `output_path` knows; empty: nowhere."""
    separate_stderr: bool = False
    """Whether stderr has a pipe of its own; else both go through one, in the order in which they were written."""
    executor: ExecutorKind | None = None
    """What carries out its runs; None: as the daemon says."""
    unit: tuple[tuple[str, str], ...] = ()
    """What systemd is told about their units: lines of the section [Service]."""
    engine: Engine | None = None
    """What its runs are handed off to; None: this host carries them out."""
    description: str = field(default="", compare=False)
    mail: Mail = field(default=Mail(), compare=False)
    tags: tuple[str, ...] = field(default=(), compare=False)
    """What conditions call it by beside its name: `"tag:db"`."""
    hooks: TaskHooks = field(default=TaskHooks(), compare=False)
    max_age: Duration | None = field(default=None, compare=False)
    """How old its last success may be."""
    slow_after: SlowAfter | None = field(default=None, compare=False)
    ping: Ping | None = field(default=None, compare=False)
    webhooks: tuple[str, ...] | None = field(default=None, compare=False)
    """The webhooks that are told about it; None: all."""
    ignored_warnings: tuple[str, ...] = field(default=(), compare=False)
    """What `check` does not warn of."""
    formerly: tuple[str, ...] = field(default=(), compare=False)
    """Other names that it had: it takes over the past of the first that is known, if it has none of its own."""
    operators: Operators = field(default=NO_OPERATORS, compare=False)
    """Who may operate it, beside those who may operate every task."""
    view_output: bool = field(default=False, compare=False)
    """Whether those who may only look see its output as well."""
    file: str = field(default="", compare=False)
    """Where it was written."""

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """Its conditions; most tasks have no `stop_when`."""
        return (self.when,) if self.stop_when is FALSE else (self.when, self.stop_when)

    @property
    def has_dynamic_user(self) -> bool:
        """Whether systemd makes up a user for each run."""
        return ("DynamicUser", "yes") in [(key, "yes" if value in _TRUE else value) for key, value in self.unit]

    @property
    def needs_process(self) -> str:
        """Return the key of the setting because of which no unit of systemd can carry it out; empty: none."""
        if not isinstance(self.work, Command):
            return "function"
        if self.run_on is RunOn.ONE:  # a unit would outlive the daemon, and nobody would stop it once it counts as lost
            return "run_on"
        if self.on is On.SHUTDOWN:  # systemd starts nothing new while the host goes down
            return "on"
        if self.work.fails_on:  # the daemon sees what its own processes print
            return "fails_on"
        if self.output_limit is not None:
            return "output_limit"
        return "output_file" if self.output_file else "separate_stderr" if self.separate_stderr else ""

    @property
    def fingerprint(self) -> str:
        """Changes when, and only when, the task must be armed anew: with its condition's normal form or its zone."""
        return f"1 {self.zone_name} {self.when}"


@dataclass(frozen=True, slots=True)
class Disabled:
    """A task that is not loaded because it has `enabled = false`, or `hosts` that do not select this host."""

    task: Task
    line: int
    """Where it begins in its file."""
    elsewhere: bool = False
    """Whether it is for other hosts."""

    @property
    def reason(self) -> str:
        """Why it is not loaded, of the task: a predicate."""
        return "is for other hosts (its hosts)" if self.elsewhere else "has enabled = false"
