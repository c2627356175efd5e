"""What each route takes and answers: names of shapes, and the parameters with their types."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, NamedTuple, TypeAlias

from rocketd.core.model.fleet_filter import FLEET_STATES, MAX_FLEET_TASKS
from rocketd.core.model.run import Action, Trigger
from rocketd.daemon.event_stream import KINDS
from rocketd.daemon.planned_starts import MOST_STARTS, PAGE_STARTS
from rocketd.daemon.task_list import MAX_TASKS, ORDERS, PAGE_TASKS, STATES
from rocketd.metrics.exposition import MetricsFormat
from rocketd.web.limits import MAX_HOST, MAX_PATTERN, MAX_REASON_LENGTH, MAX_RUNS, MAX_STEP
from rocketd.web.shapes.table import EVENTS, TASK_KEYS


class ParameterType(StrEnum):
    """The type of a parameter."""

    TEXT = "text"
    TASK = "task"
    INSTANT = "instant"
    FLAG = "flag"
    NUMBER = "number"
    WORD = "word"
    WORDS = "words"
    """Words, separated by commas."""
    PLACE = "place"
    """`next` of the answer before."""


class Parameter(NamedTuple):
    """A parameter of a request."""

    name: str
    takes: ParameterType
    meaning: str
    words: tuple[str, ...] = ()
    """Those that it takes; empty: any."""
    least: int = 1
    most: int = 0
    """The longest text, or the highest number; 0: there is no limit but that of the request."""
    form: str = ""
    """The form of a place, as a regular expression."""
    required: bool = False
    """Whether a request without it, or with an empty text, is refused."""


_Type: TypeAlias = ParameterType

_ALL: Final = (
    Parameter(
        "at",
        _Type.INSTANT,
        "an instant in RFC 3339 format, with an offset: `2026-11-24T10:00:00+01:00`; default: now",
    ),
    Parameter("since", _Type.INSTANT, "the same; the answer begins there. Of runs: with their start"),
    Parameter("until", _Type.INSTANT, "the same; the answer ends before it. Of a pause: when it ends by itself"),
    Parameter("before", _Type.INSTANT, "the same; default: the value of `keep` in `[store]`"),
    Parameter("task", _Type.TASK, "the name of a task; default: all"),
    Parameter("action", _Type.WORDS, "how runs ended, separated by commas: `fail,crash`", tuple(map(str, Action))),
    Parameter("trigger", _Type.WORDS, "why they were started, in the same way", tuple(map(str, Trigger))),
    Parameter(
        "match",
        _Type.TEXT,
        "a part of the name, the description, the condition, the file or a tag; or a pattern of names, as in a shell: "
        "`db-*`",
        most=MAX_PATTERN,
    ),
    Parameter(
        "state",
        _Type.WORD,
        f"one of {' '.join(f'`{state}`' for state in STATES)}: see [counts](#counts)",
        STATES,
    ),
    Parameter("tag", _Type.TEXT, "one of their tags"),
    Parameter("host", _Type.TEXT, "the name of a host of the fleet; default: all", most=MAX_HOST),
    Parameter(
        "order",
        _Type.WORD,
        "`name`, the default; `next`, the next start first; `last`, the newest run first",
        ORDERS,
    ),
    Parameter("fields", _Type.WORDS, "keys, separated by commas: only these and `task` are there", TASK_KEYS),
    Parameter(
        "limit",
        _Type.NUMBER,
        f"the most entries: of runs 100 by default, up to {MAX_RUNS}; of tasks {PAGE_TASKS}, up to {MAX_TASKS}; of "
        f"planned starts {PAGE_STARTS}, up to {MOST_STARTS}; of tasks of all hosts {MAX_FLEET_TASKS}",
        most=MAX_RUNS,
    ),
    Parameter(
        "after",
        _Type.PLACE,
        "`next` of the answer before; of runs the `run_id` of the last one, of runs of all hosts its "
        "`HOST/SCOPE/RUN_ID`",
        form="[0-9]{1,18}",
    ),
    Parameter(
        "step",
        _Type.NUMBER,
        "the length of a stretch in seconds: 900 by default, of one task 86400; longer if there were more than 1000",
        most=MAX_STEP,
    ),
    Parameter("follow", _Type.FLAG, "whether the answer goes on until the run ends: `true` or `false`"),
    Parameter("kinds", _Type.WORDS, "which events, separated by commas: `started,finished,task`; default: all", KINDS),
    Parameter(
        "format",
        _Type.WORD,
        "`openmetrics`, the default, or `text`",
        tuple(written.value for written in MetricsFormat),
    ),
    Parameter("reason", _Type.TEXT, f"a text of up to {MAX_REASON_LENGTH} characters", most=MAX_REASON_LENGTH),
    Parameter("as_scheduled", _Type.FLAG, "whether the run counts as one of the schedule"),
    Parameter("drained", _Type.FLAG, "whether this host is to own no tasks"),
    Parameter("dry_run", _Type.FLAG, "whether to count the records only"),
)
PARAMETERS: Final[Mapping[str, Parameter]] = {parameter.name: parameter for parameter in _ALL}

_OF_PATHS: Final[Mapping[tuple[str, str], Parameter]] = {
    ("/v1/tasks", "limit"): PARAMETERS["limit"]._replace(most=MAX_TASKS),
    ("/v1/planned", "limit"): PARAMETERS["limit"]._replace(most=MOST_STARTS),
    ("/v1/fleet/tasks", "limit"): PARAMETERS["limit"]._replace(most=MAX_FLEET_TASKS),
    ("/v1/fleet/tasks", "after"): PARAMETERS["after"]._replace(form="[^/]{1,300}/[^/]{1,100}"),
    ("/v1/fleet/tasks", "state"): PARAMETERS["state"]._replace(words=FLEET_STATES),
    ("/v1/fleet/move", "task"): PARAMETERS["task"]._replace(meaning="the task", required=True),
    ("/v1/fleet/move", "host"): PARAMETERS["host"]._replace(meaning="the host that is to own it", required=True),
    ("/v1/fleet/lost", "host"): PARAMETERS["host"]._replace(meaning="the host that is dead", required=True),
    ("/v1/tasks", "after"): PARAMETERS["after"]._replace(form="-?[0-9]{1,19}/[^/]{1,300}"),
    ("/v1/runs", "after"): PARAMETERS["after"]._replace(
        takes=_Type.TEXT, meaning="the `run_id` of the last run of the answer before", form=""
    ),
    ("/v1/fleet/runs", "after"): PARAMETERS["after"]._replace(
        meaning="`HOST/SCOPE/RUN_ID` of the last run of the answer before", form="[^/]{1,100}/[^/]{1,100}/.{1,100}"
    ),
    ("/v1/timeline", "after"): PARAMETERS["after"]._replace(form=r"-?[0-9]{1,12}(\.[0-9]{1,9})?/[0-9]{1,18}"),
    ("/v1/why", "after"): PARAMETERS["after"]._replace(takes=_Type.TEXT, form=""),
    ("/v1/events", "after"): PARAMETERS["after"]._replace(
        meaning="the `id` of the last event that arrived: those after it come first"
    ),
}
"""Parameters that are limited in another way on these paths."""


def parameter_of(path: str, name: str) -> Parameter:
    """Return a parameter of a path."""
    return _OF_PATHS.get((path, name), PARAMETERS[name])


class RouteAnswer(NamedTuple):
    """What a route answers with status 200."""

    meaning: str
    """A sentence, with links to the shapes in the manual."""
    shapes: tuple[str, ...] = ()
    """Any of these; none: a text."""
    array: bool = False
    """An array of them."""
    lines: bool = False
    """A line each, one after the other."""


ANSWERS: Final[Mapping[tuple[str, str], RouteAnswer]] = {
    ("GET", "/v1/status"): RouteAnswer("the [status](#status)", ("Status",)),
    ("GET", "/v1/tasks"): RouteAnswer(
        "without parameters an array of [tasks](#task), including disabled ones; with any of them a "
        "[page](#page-of-tasks)",
        ("Page of tasks", "Task"),
    ),
    ("GET", "/v1/overview"): RouteAnswer(
        "an [overview](#overview): what runs, failed, is late and comes next", ("Overview",)
    ),
    ("GET", "/v1/me"): RouteAnswer("[who asks](#client), and what that one may do", ("Client",)),
    ("GET", "/v1/tasks/TASK"): RouteAnswer("the [task in full](#task-in-full)", ("Task in full",)),
    ("GET", "/v1/tasks/TASK/why"): RouteAnswer(
        "an [explanation](#explanation) of its condition, now or at that instant", ("Explanation",)
    ),
    ("GET", "/v1/why"): RouteAnswer("[explanations](#page-of-explanations) of all tasks", ("Page of explanations",)),
    ("GET", "/v1/runs"): RouteAnswer(
        "an array of [runs](#run), newest first",
        ("Run",),
        array=True,
    ),
    ("GET", "/v1/runs/RUN"): RouteAnswer("the [run](#run)", ("Run",)),
    ("GET", "/v1/runs/RUN/output"): RouteAnswer(
        "the [lines](#output) that it has printed, as many as are kept; with `follow`, also each further line until "
        "the run ends",
        ("Output line", "Output end", "Event lost", "Event alive"),
        lines=True,
    ),
    ("GET", "/v1/timeline"): RouteAnswer(
        "a part of the [timeline](#timeline): from when to when each run was active between these instants, by default "
        "in the last 24 hours",
        ("Timeline",),
    ),
    ("GET", "/v1/planned"): RouteAnswer(
        "the [planned starts](#plan) between these instants, by default in the next 24 hours", ("Plan",)
    ),
    ("GET", "/v1/stats"): RouteAnswer(
        "[how many runs](#statistics) ended how in each stretch, by default in the last 24 hours, of one task in the "
        "last 90 days",
        ("Statistics",),
    ),
    ("GET", "/v1/log"): RouteAnswer("a [page](#log-page) of all runs, oldest first", ("Log page",)),
    ("GET", "/v1/events"): RouteAnswer(
        "[events](#event) from now on, until one side ends the connection", EVENTS, lines=True
    ),
    ("GET", "/v1/fleet"): RouteAnswer("the [hosts](#fleet) of the fleet", ("Fleet",)),
    ("GET", "/v1/fleet/tasks"): RouteAnswer(
        "a page of the [tasks of all hosts](#fleet-tasks), by name and then by host", ("Fleet tasks",)
    ),
    ("GET", "/v1/fleet/runs"): RouteAnswer(
        "an array of the [runs of all hosts](#fleet-run), newest first",
        ("Fleet run",),
        array=True,
    ),
    ("GET", "/v1/metrics"): RouteAnswer("[metrics](../how-to/monitoring.md) as text, not JSON"),
    ("POST", "/v1/tasks/TASK/run"): RouteAnswer("starts a [run](#started-run)", ("Started run",)),
    ("POST", "/v1/tasks/TASK/stop"): RouteAnswer("stops [all its runs](#stopping-runs)", ("Stopping runs",)),
    ("POST", "/v1/tasks/TASK/pause"): RouteAnswer("[pauses](#paused-task) it", ("Paused task",)),
    ("POST", "/v1/tasks/TASK/resume"): RouteAnswer("[resumes](#resumed-task) it", ("Resumed task",)),
    ("POST", "/v1/runs/RUN/stop"): RouteAnswer("stops [it](#stopping-runs)", ("Stopping runs",)),
    ("POST", "/v1/fleet/drain"): RouteAnswer("[drains](#drained-host) this host, or ends that", ("Drained host",)),
    ("POST", "/v1/fleet/move"): RouteAnswer("[moves](#moved-tasks) a task that this host owns", ("Moved tasks",)),
    ("POST", "/v1/fleet/lost"): RouteAnswer("has a silent host count as [lost](#lost-host)", ("Lost host",)),
    ("POST", "/v1/prune"): RouteAnswer("deletes [old records](#pruned-records)", ("Pruned records",)),
    ("POST", "/v1/reload"): RouteAnswer("reads the [task files](#reload) again", ("Reload",)),
}
