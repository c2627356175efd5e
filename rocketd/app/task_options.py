"""The options of a task."""

from collections.abc import Mapping
from typing import Final, TypeAlias, TypedDict, get_args

from rocketd.app.config import How
from rocketd.app.validators import Check, Span, mapping, number, one_of, optional, span, text, timeout
from rocketd.core.model.condition import Condition
from rocketd.core.model.task import Overlap

ConditionLike: TypeAlias = Condition | str | bool | None


class TaskOptions(TypedDict, total=False):
    """The options of `app.task(…)` besides the condition, the name and the work."""

    description: str | None
    end_cond: ConditionLike
    execution: How | None
    parameters: Mapping[str, object] | None
    priority: int
    disabled: bool
    force_run: bool
    timeout: Span | None
    permanent: bool
    multilaunch: bool | None
    on_startup: bool
    on_shutdown: bool
    overlap: Overlap | str | None
    mutex: str
    restart_delay: Span | None
    crash_limit: int
    splay: Span
    kill_grace: Span
    daemon: bool | None
    permanent_task: bool
    func_run_id: object


OLD_NAMES: Final = {"permanent_task": "permanent"}
"""Options by the names that they had before."""
SETTINGS: Final = frozenset({*TaskOptions.__annotations__, "name", "start_cond"} - {*OLD_NAMES, "func_run_id"})

CHECKS: Final[Mapping[str, Check]] = {
    "name": text,
    "execution": optional(one_of(*get_args(How))),
    "overlap": optional(one_of(*Overlap)),
    "mutex": text,
    "timeout": optional(timeout),
    "restart_delay": optional(span),
    "splay": span,
    "kill_grace": span,
    "parameters": mapping,
    "priority": number(),
    "crash_limit": number(),
}
