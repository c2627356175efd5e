"""Metrics in the formats of Prometheus, by prometheus_client, which is imported when they are asked for.

Names and units follow https://prometheus.io/docs/practices/naming/: seconds, and unix times that end in
`_timestamp_seconds`. A task is a label; nothing that could be a secret, or that changes with each run, is one.
"""

from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

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


def exposition(daemon: DaemonMetrics, counters: RunCounters, written: MetricsFormat) -> str:
    """Write metrics; raises RocketdError if the library is missing. Takes a while with many tasks."""
    try:
        from prometheus_client import CollectorRegistry, generate_latest  # noqa: PLC0415 - most daemons need none of it
        from prometheus_client.openmetrics.exposition import generate_latest as openmetrics  # noqa: PLC0415 - as above
    except ImportError:
        message = "prometheus_client is not installed"
        raise RocketdError(message, hint="pip install 'rocketd[metrics]'") from None

    class Collector:
        def collect(self) -> Iterator["Metric"]:
            yield from _of_daemon(daemon, counters)
            yield from _of_tasks(daemon)
            yield from _counted(daemon, counters)

    registry = CollectorRegistry(auto_describe=False)
    registry.register(Collector())
    data: bytes = openmetrics(registry) if written is MetricsFormat.OPENMETRICS else generate_latest(registry)  # type: ignore[no-untyped-call]  # it comes without
    return data.decode()


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
    paused = sum(task.paused for task in daemon.tasks)
    for state, count in (("enabled", len(daemon.tasks) - paused), ("paused", paused)):
        tasks.add_metric([state], count)
    yield tasks
    delay = HistogramMetricFamily("rocketd_start_delay_seconds", "How late scheduled runs started.")
    bounds = [*map(str, DELAY_BUCKETS), "+Inf"]
    totals = [sum(counters.delays[: index + 1]) for index in range(len(bounds))]
    delay.add_metric([], [*zip(bounds, totals, strict=True)], counters.delay_sum)
    yield delay


def _of_tasks(daemon: DaemonMetrics) -> Iterator["Metric"]:
    from prometheus_client.core import GaugeMetricFamily  # noqa: PLC0415 - as above

    for gauge in _OF_TASK:
        family = GaugeMetricFamily(f"rocketd_task_{gauge.name}", gauge.help, labels=["task"])
        for task in daemon.tasks:
            value = gauge.value(task)
            if value is not None:
                family.add_metric([task.name], float(value))
        yield family


def _counted(daemon: DaemonMetrics, counters: RunCounters) -> Iterator["Metric"]:
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily  # noqa: PLC0415 - as above

    runs = CounterMetricFamily("rocketd_task_runs", "How many runs ended, by action.", labels=["task", "action"])
    missed = CounterMetricFamily("rocketd_task_missed", "How many scheduled runs were missed.", labels=["task"])
    seconds = CounterMetricFamily("rocketd_task_run_seconds", "How long all runs took.", labels=["task"])
    cpu = CounterMetricFamily("rocketd_task_cpu_seconds", "How much CPU time all runs used.", labels=["task"])
    memory = GaugeMetricFamily(
        "rocketd_task_last_memory_bytes", "The most memory that the run used which ended last.", labels=["task"]
    )
    for task in daemon.tasks:
        for action in ENDS:  # all from 0 on, so that increase() sees the first failure
            runs.add_metric([task.name, str(action)], counters.runs[task.name, action])
        missed.add_metric([task.name], counters.missed[task.name])
        seconds.add_metric([task.name], counters.seconds[task.name] / SECOND)
        cpu.add_metric([task.name], counters.cpu[task.name] / SECOND)
        if task.name in counters.memory:
            memory.add_metric([task.name], counters.memory[task.name])
    yield from (runs, missed, seconds, cpu, memory)
