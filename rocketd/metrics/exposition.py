"""Metrics in the formats of Prometheus, by prometheus_client, which is imported when they are asked for.

It takes 6 µs to write a line, and each task has some seventeen. So it writes the lines of one task, once; those of the
others are the same with another name and other values.

Names and units follow https://prometheus.io/docs/practices/naming/: seconds, and unix times that end in
`_timestamp_seconds`. A task is a label; nothing that could be a secret, or that changes with each run, is one.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import StrEnum
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from rocketd.core.errors import RocketdError
from rocketd.core.instant import SECOND
from rocketd.core.model.metrics import DELAY_BUCKETS, ENDS, DaemonMetrics, RunCounters, TaskMetrics

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric


class MetricsFormat(StrEnum):
    """How metrics are written."""

    OPENMETRICS = "openmetrics"
    TEXT = "text"
    """That of node_exporter's textfile collector, and of `promtool check metrics`."""


CONTENT_TYPES: Final = {
    MetricsFormat.OPENMETRICS: "application/openmetrics-text; version=1.0.0; charset=utf-8",
    MetricsFormat.TEXT: "text/plain; version=0.0.4; charset=utf-8",
}


class _Gauge(NamedTuple):
    name: str
    help: str
    value: Callable[[TaskMetrics], float | None]
    """None: the task has none."""


def _seconds(value: int | None) -> float | None:
    return None if value is None else value / SECOND


_OF_TASK: Final = (
    _Gauge("paused", "Whether the task is paused.", lambda task: task.paused),
    _Gauge("running", "Whether a run of the task is active.", lambda task: task.running),
    _Gauge(
        "running_since_timestamp_seconds",
        "When the oldest active run of the task got its process.",
        lambda task: _seconds(task.running_since),
    ),
    _Gauge(
        "next_start_timestamp_seconds",
        "When the task is expected to start next.",
        lambda task: _seconds(task.next_start),
    ),
    _Gauge("last_start_timestamp_seconds", "When the newest run started.", lambda task: _seconds(task.last_start)),
    _Gauge("last_end_timestamp_seconds", "When a run ended last.", lambda task: _seconds(task.last_end)),
    _Gauge(
        "last_success_timestamp_seconds",
        "When a run succeeded last, or had nothing to do.",
        lambda task: _seconds(task.last_success),
    ),
    _Gauge(
        "last_run_success",
        "Whether the run that ended last succeeded, or had nothing to do.",
        lambda task: task.last_good,
    ),
    _Gauge("last_duration_seconds", "How long the run took that ended last.", lambda task: _seconds(task.last_runtime)),
    _Gauge(
        "armed_timestamp_seconds",
        "When the task was loaded with its present condition for the first time.",
        lambda task: _seconds(task.armed),
    ),
    _Gauge("max_age_seconds", "How old the last success may be, by its file.", lambda task: _seconds(task.max_age)),
    _Gauge(
        "overdue", "Whether the last success is older than that.", lambda task: task.overdue if task.max_age else None
    ),
    _Gauge("slow_after_seconds", "How long a run may take, by its file.", lambda task: _seconds(task.slow_after)),
)


_Values: TypeAlias = Callable[[TaskMetrics, RunCounters], Iterable[float | None]]
"""Returns the value of a task for each of its lines; None: it has no such line."""

_COUNTED: Final[tuple[tuple[str, str, _Values], ...]] = (
    ("missed", "How many scheduled runs were missed.", lambda task, counters: (counters.missed.get(task.name, 0),)),
    (
        "run_seconds",
        "How long all runs took.",
        lambda task, counters: (counters.seconds.get(task.name, 0) / SECOND,),
    ),
    (
        "cpu_seconds",
        "How much CPU time all runs used.",
        lambda task, counters: (counters.cpu.get(task.name, 0) / SECOND,),
    ),
)


class _Column(NamedTuple):
    """A family of metrics of which each task has a part."""

    head: str
    """Its lines of help and type."""
    lines: Sequence[tuple[str, str]]
    """What stands in a line before the name of the task, and between that and the value."""
    values: _Values


TaskText: TypeAlias = str
"""What one task has in each column, joined by `_BETWEEN`."""
_BETWEEN: Final = "\0"
_NAME: Final = "NAME"


class Exposition:
    """Writes metrics in one format; raises RocketdError if the library is missing."""

    def __init__(self, written: MetricsFormat) -> None:
        self._written = written
        self._end = self._write([])
        """What follows the last family."""
        self._columns = [self._column(*one) for one in _columns()]
        from prometheus_client.utils import floatToGoString  # noqa: PLC0415 - as in _write

        self._number: Callable[[float], str] = lru_cache(floatToGoString)

    def _write(self, families: Sequence["Metric"]) -> str:
        try:
            from prometheus_client import CollectorRegistry, generate_latest  # noqa: PLC0415 - most daemons need none of it
            from prometheus_client.openmetrics.exposition import generate_latest as openmetrics  # noqa: PLC0415 - as above
        except ImportError:
            message = "prometheus_client is not installed"
            raise RocketdError(message, hint="pip install 'rocketd[metrics]'") from None

        class Collector:
            def collect(self) -> Iterator["Metric"]:
                yield from families

        registry = CollectorRegistry(auto_describe=False)
        registry.register(Collector())
        write = openmetrics if self._written is MetricsFormat.OPENMETRICS else generate_latest
        data: bytes = write(registry)
        return data.decode()

    def _column(self, family: "Metric", values: _Values) -> _Column:
        """Have the library write the part of one task, and take it apart."""
        lines = self._write([family]).removesuffix(self._end).splitlines(keepends=True)
        samples = [line.rpartition(" ")[0] + " " for line in lines if not line.startswith("#")]
        parts = [(before, between) for before, _, between in (line.partition(_NAME) for line in samples)]
        return _Column("".join(line for line in lines if line.startswith("#")), parts, values)

    def of_task(self, task: TaskMetrics, counters: RunCounters) -> TaskText:
        """Write the lines of one task."""
        name, number = task.name, self._number
        return _BETWEEN.join(
            "".join(
                f"{before}{name}{between}{number(value)}\n"
                for (before, between), value in zip(column.lines, column.values(task, counters), strict=True)
                if value is not None
            )
            for column in self._columns
        )

    def columns(self, texts: Iterable[TaskText]) -> list[str]:
        """Return what these tasks have in each column."""
        parts = (text.split(_BETWEEN) for text in texts)
        return ["".join(column) for column in zip(*parts, strict=True)]

    def whole(self, daemon: DaemonMetrics, counters: RunCounters, blocks: Iterable[Sequence[str]]) -> str:
        """Write all metrics; `blocks` are the columns of all tasks, some tasks each."""
        parts = [self._write([*_of_daemon(daemon, counters)]).removesuffix(self._end)]
        columns = [*zip(*blocks, strict=True)] or [()] * len(self._columns)
        for column, texts in zip(self._columns, columns, strict=True):
            parts += (column.head, *texts)
        return "".join((*parts, self._end))


def _of_daemon(daemon: DaemonMetrics, counters: RunCounters) -> Iterator["Metric"]:
    from prometheus_client.core import GaugeMetricFamily, HistogramMetricFamily  # noqa: PLC0415 - as above

    info = GaugeMetricFamily("rocketd_info", "The version of rocketd.", labels=["version"])
    info.add_metric([daemon.version], 1)
    yield info
    single = {
        "start_time_seconds": ("When the daemon started.", daemon.started_at / SECOND),
        "degraded": ("Whether something does not work, such as the store or mail.", daemon.degraded),
        "task_file_problems": ("How many problems the task files have.", daemon.problems),
        "stopping": ("Whether the daemon is being stopped.", daemon.stopping),
        "runs_active": ("How many runs are active.", daemon.running),
    }
    for name, (text, value) in single.items():
        yield GaugeMetricFamily(f"rocketd_{name}", text, value=value)
    tasks = GaugeMetricFamily("rocketd_tasks", "How many tasks there are.", labels=["state"])
    for state, count in (("enabled", daemon.tasks - daemon.paused), ("paused", daemon.paused)):
        tasks.add_metric([state], count)
    yield tasks
    delay = HistogramMetricFamily("rocketd_start_delay_seconds", "How late scheduled runs started.")
    bounds = [*map(str, DELAY_BUCKETS), "+Inf"]
    totals = [sum(counters.delays[: index + 1]) for index in range(len(bounds))]
    delay.add_metric([], [*zip(bounds, totals, strict=True)], counters.delay_sum)
    yield delay


def _columns() -> Iterator[tuple["Metric", _Values]]:
    """Yield each family with the part of one task, and what the values are."""
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily  # noqa: PLC0415 - as above

    for gauge in _OF_TASK:
        family = GaugeMetricFamily(f"rocketd_task_{gauge.name}", gauge.help, labels=["task"])
        family.add_metric([_NAME], 0)
        yield family, partial(_gauge_value, gauge)
    runs = CounterMetricFamily("rocketd_task_runs", "How many runs ended, by action.", labels=["task", "action"])
    for action in ENDS:  # all from 0 on, so that increase() sees the first failure
        runs.add_metric([_NAME, str(action)], 0)
    yield runs, lambda task, counters: [counters.runs.get((task.name, action), 0) for action in ENDS]
    for name, text, count in _COUNTED:
        counter = CounterMetricFamily(f"rocketd_task_{name}", text, labels=["task"])
        counter.add_metric([_NAME], 0)
        yield counter, count
    memory = GaugeMetricFamily(
        "rocketd_task_last_memory_bytes", "The most memory that the run used which ended last.", labels=["task"]
    )
    memory.add_metric([_NAME], 0)
    yield memory, lambda task, counters: (counters.memory.get(task.name),)


def _gauge_value(gauge: _Gauge, task: TaskMetrics, _: RunCounters) -> Iterable[float | None]:
    return (gauge.value(task),)
