"""The reasons for the verdicts of words about the host and the scheduler."""

from __future__ import annotations

from rocketd.core.conditions.host_uptime import HostUp
from rocketd.core.conditions.probe import Probe
from rocketd.core.conditions.scheduler_conditions import SchedulerCycles, SchedulerRunning
from rocketd.core.explain.reasons import clock, explain_verdict, when
from rocketd.core.model.moment import Moment
from rocketd.core.model.verdict import Verdict
from rocketd.core.plural import counted


@explain_verdict.register(Probe)
def _(condition: Probe, moment: Moment, verdict: Verdict) -> str:  # noqa: ARG001 - its observation says more
    observed = moment.history.observation(str(condition))
    if observed is None or moment.now < observed.since:
        return "not observed yet"
    if moment.now >= observed.good_until:
        return f"not observed since {clock(observed.good_until, moment)}"
    if observed.value is None:
        return f"cannot be observed: {observed.problem}"
    return f"{'true' if observed.value else 'false'} since {clock(observed.since, moment)}"


@explain_verdict.register(SchedulerRunning)
def _(condition: SchedulerRunning, moment: Moment, verdict: Verdict) -> str:  # noqa: ARG001 - as above
    start = moment.history.first_pass_at
    return "the scheduler is not running" if start is None else f"the scheduler started {when(start, moment)}"


@explain_verdict.register(HostUp)
def _(condition: HostUp, moment: Moment, verdict: Verdict) -> str:  # noqa: ARG001 - as above
    booted = moment.history.booted_at
    return "it is not known when the host booted" if booted is None else f"the host booted {when(booted, moment)}"


@explain_verdict.register(SchedulerCycles)
def _(condition: SchedulerCycles, moment: Moment, verdict: Verdict) -> str:  # noqa: ARG001 - as above
    cycles = moment.history.cycles
    return f"the scheduler has made {counted(cycles, 'pass', 'passes')}" if cycles else "the scheduler is not running"
