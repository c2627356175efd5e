"""The options of a task."""

from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias, TypedDict, get_args

from rocketd.app.config import How
from rocketd.app.validators import (
    Check,
    Span,
    SplayOptions,
    mapping,
    number,
    one_of,
    optional,
    span,
    splay,
    tags,
    text,
    timeout,
)
from rocketd.core.model.condition import Condition
from rocketd.core.model.task import Overlap

ConditionLike: TypeAlias = Condition | str | bool | None


class TaskOptions(TypedDict, total=False):
    """The options of `app.task(…)` besides the condition, the name and the work."""

    description: str | None
    """What it is, for people."""
    tags: Sequence[str]
    """Names by which conditions find it, together with all others that have them: `after_any_fail("tag:db")`."""
    end_cond: ConditionLike
    """Runs of it are stopped while this holds."""
    execution: How | None
    """Where it runs: `main`, `async`, `thread` or `process`; None: as the session says."""
    parameters: Mapping[str, object] | None
    """What it is called with, besides the parameters of the session."""
    priority: int
    """Of the tasks that are due at once, the higher one starts first."""
    disabled: bool
    """Whether only `task.run()` starts it."""
    force_run: bool
    """Whether to request a run at once."""
    timeout: Span | None
    """How long a run may take; `never`: as long as it likes; None: as the session says."""
    permanent: bool
    """Whether a run may go on until the scheduler stops, which then stops it."""
    multilaunch: bool | None
    """Whether several runs may be active at once; None: as the session says."""
    on_startup: bool
    """Whether it runs when the scheduler starts as well, before all other tasks."""
    on_shutdown: bool
    """Whether it runs when the scheduler stops as well."""
    overlap: Overlap | str | None
    """What happens if it is due while it is running: `wait`, `skip`, `replace` or `allow`."""
    mutex: str
    """Of the tasks with the same mutex, one runs at a time."""
    restart_delay: Span | None
    """The shortest pause after an end that alone makes it due again; None: as the session says."""
    crash_limit: int
    """How many interrupted runs in a row start again in the same window."""
    splay: Span | SplayOptions
    """Up to how much a start is delayed, the same for each run on this host; `{"most": "10 min", "each": "run"}`: anew
    for each run."""
    kill_grace: Span
    """How long a child process has between TERM and KILL."""
    daemon: bool | None
    """Has no effect."""
    permanent_task: bool
    """The older name of `permanent`."""
    func_run_id: object
    """Has no effect: a run id is a UUIDv7."""


OLD_NAMES: Final = {"permanent_task": "permanent"}
"""Options by the names that they had before."""
SETTINGS: Final = frozenset({*TaskOptions.__annotations__, "name", "start_cond"} - {*OLD_NAMES, "func_run_id"})

CHECKS: Final[Mapping[str, Check]] = {
    "name": text,
    "execution": optional(one_of(*get_args(How))),
    "overlap": optional(one_of(*Overlap)),
    "mutex": text,
    "tags": tags,
    "timeout": optional(timeout),
    "restart_delay": optional(span),
    "splay": splay,
    "kill_grace": span,
    "parameters": mapping,
    "priority": number(),
    "crash_limit": number(),
}
