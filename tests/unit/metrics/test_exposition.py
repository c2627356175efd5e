"""Metrics: their names and units, what is absent, and a file that is never seen half written."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.exposition import generate_latest as openmetrics_latest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics_families
from prometheus_client.parser import text_string_to_metric_families

from rocketd.core.instant import HOUR, MINUTE, SECOND
from rocketd.core.model.events import Finished, Missed, Started
from rocketd.core.model.metrics import DaemonMetrics, RunCounters, TaskMetrics
from rocketd.core.model.run import NO_USAGE, Action, Cause, End, Run, Trigger, Usage
from rocketd.metrics.exposition import Exposition, MetricsFormat
from rocketd.metrics.textfile import write_textfile

AT = 1_790_000_000 * SECOND
NEVER = TaskMetrics(
    name="never",
    paused=True,
    running=False,
    running_since=None,
    next_start=None,
    last_start=None,
    last_end=None,
    last_success=None,
    last_good=None,
    last_runtime=None,
    armed=AT,
    max_age=None,
    overdue=False,
    slow_after=None,
)
BACKUP = TaskMetrics(
    name="backup",
    paused=False,
    running=True,
    running_since=AT + MINUTE,
    next_start=AT + HOUR,
    last_start=AT,
    last_end=AT + MINUTE,
    last_success=AT,
    last_good=False,
    last_runtime=1_500_000,
    armed=AT - HOUR,
    max_age=HOUR,
    overdue=True,
    slow_after=HOUR,
)
DAEMON = DaemonMetrics(
    version="1.2", started_at=AT, degraded=True, problems=3, stopping=False, running=1, tasks=2, paused=1
)


def run(number: int, late: int = 0, trigger: Trigger = Trigger.SCHEDULE) -> Run:
    return Run("backup", number, f"id-{number}", 1, AT, AT + late, trigger, "daily")


def exposition(counters: RunCounters, written: MetricsFormat, tasks: Sequence[TaskMetrics] = (NEVER, BACKUP)) -> str:
    """Write these tasks, in blocks of one."""
    writer = Exposition(written)
    return writer.whole(DAEMON, counters, [writer.columns([writer.of_task(task, counters)]) for task in tasks])


def samples(text: str) -> dict[str, float]:
    found = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    names = (f"{one.name}{{{','.join(f'{k}={v}' for k, v in sorted(one.labels.items()))}}}" for one in found)
    return dict(zip(names, (one.value for one in found), strict=True))


def test_metrics_have_seconds_and_what_is_not_there_is_absent() -> None:
    told = samples(exposition(RunCounters(), MetricsFormat.TEXT))
    assert told["rocketd_task_last_success_timestamp_seconds{task=backup}"] == AT / SECOND
    assert told["rocketd_task_last_duration_seconds{task=backup}"] == 1.5
    assert told["rocketd_task_last_run_success{task=backup}"] == 0
    assert told["rocketd_task_overdue{task=backup}"] == 1
    assert told["rocketd_task_slow_after_seconds{task=backup}"] == 3600
    assert (
        told["rocketd_tasks{state=paused}"] == told["rocketd_tasks{state=enabled}"] == told["rocketd_degraded{}"] == 1
    )
    of_never = {name for name in told if "task=never" in name and "_total" not in name}
    assert {name.partition("{")[0].removeprefix("rocketd_task_") for name in of_never} == {
        "paused", "running", "armed_timestamp_seconds",
    }  # fmt: skip


def test_counters_begin_at_zero_and_count_each_missed_run_once() -> None:
    counters = RunCounters()
    for count in (1, 4):
        counters.learn(Missed("backup", "id-m", AT, AT, AT, count, "down"))
    counters.learn(Missed("backup", "id-n", AT, AT, AT, 2, "down"))
    counters.learn(Started(run(1, 20_000)))
    counters.learn(Started(run(2, HOUR, Trigger.HAND)))
    counters.learn(Finished(run(1), End(Action.FAIL, Cause.EXIT, AT, runtime=2 * SECOND)))
    told = samples(exposition(counters, MetricsFormat.TEXT))
    assert told["rocketd_task_missed_total{task=backup}"] == 6
    assert told["rocketd_task_runs_total{action=fail,task=backup}"] == 1
    assert told["rocketd_task_runs_total{action=success,task=never}"] == 0
    assert told["rocketd_task_run_seconds_total{task=backup}"] == 2
    assert told["rocketd_start_delay_seconds_count{}"] == 1
    assert told["rocketd_start_delay_seconds_bucket{le=0.01}"] == 0
    assert told["rocketd_start_delay_seconds_bucket{le=0.05}"] == 1


def test_what_runs_used_is_counted_as_far_as_it_is_known() -> None:
    counters = RunCounters()
    for usage in (Usage(cpu=SECOND, memory=3_000), Usage(cpu=SECOND // 2, memory=2_000), NO_USAGE):
        told = samples(exposition(counters, MetricsFormat.TEXT))
        counters.learn(Finished(run(1), End(Action.SUCCESS, Cause.EXIT, AT, usage=usage)))
    assert told["rocketd_task_last_memory_bytes{task=backup}"] == 2_000
    assert "rocketd_task_last_memory_bytes{task=never}" not in told
    told = samples(exposition(counters, MetricsFormat.TEXT))
    assert told["rocketd_task_cpu_seconds_total{task=backup}"] == 1.5
    assert "rocketd_task_last_memory_bytes{task=backup}" not in told


def test_openmetrics_can_be_read_as_such() -> None:
    text = exposition(RunCounters(), MetricsFormat.OPENMETRICS)
    assert text.endswith("# EOF\n")
    families = openmetrics_families(text)  # type: ignore[no-untyped-call]  # as it comes
    assert {family.name for family in families} >= {"rocketd_info", "rocketd_task_runs"}


@pytest.mark.parametrize("written", list(MetricsFormat))
def test_every_line_is_as_the_library_writes_it(written: MetricsFormat) -> None:
    counters = RunCounters()
    for runtime in (1, 10**12 + 1):
        counters.learn(
            Finished(run(1), End(Action.FAIL, Cause.EXIT, AT, runtime=runtime, usage=Usage(cpu=1, memory=7)))
        )
    tasks = [NEVER._replace(name="a.b-c_D"), BACKUP, NEVER._replace(name="NAME", max_age=10**15)]
    text = exposition(counters, written, tasks)

    class Collector:
        def collect(self) -> Iterator[Metric]:
            openmetrics = written is MetricsFormat.OPENMETRICS
            yield from (openmetrics_families if openmetrics else text_string_to_metric_families)(text)

    registry = CollectorRegistry(auto_describe=False)
    registry.register(Collector())
    write = openmetrics_latest if written is MetricsFormat.OPENMETRICS else generate_latest
    assert write(registry).decode() == text


def test_a_textfile_is_replaced_in_one_step_and_a_link_is_not_followed(tmp_path: Path) -> None:
    path, other = tmp_path / "rocketd.prom", tmp_path / "other"
    other.write_text("mine")
    path.symlink_to(other)
    before = os.umask(0o077)
    try:
        write_textfile(path, "a 1\n")
    finally:
        os.umask(before)
    assert (path.read_text(), other.read_text(), path.is_symlink()) == ("a 1\n", "mine", False)
    assert path.stat().st_mode & 0o777 == 0o644
    assert sorted(one.name for one in tmp_path.iterdir()) == ["other", "rocketd.prom"]


def test_a_directory_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        write_textfile(tmp_path / "no" / "rocketd.prom", "")
