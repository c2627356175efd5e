"""What the verdicts of words about the host and the scheduler rest on."""

from __future__ import annotations

from rocketd.core.conditions.probe import Probe
from rocketd.core.conditions.scheduler_conditions import SchedulerCycles, SchedulerRunning
from rocketd.core.explain.reasons import explain_verdict, when
from rocketd.core.instant import Instant
from rocketd.core.model.moment import Moment
from rocketd.core.model.verdict import Verdict


@explain_verdict.register(Probe)
def _(condition: Probe, moment: Moment, verdict: Verdict) -> str:  # noqa: ARG001 - its observation says more
    seen = moment.history.observation(str(condition))
    if seen is None or moment.now < seen.since:
        return "it has not been observed yet"
    if moment.now >= seen.good_until:
        return f"it has not been observed since {_clock(seen.good_until, moment)}"
    if seen.value is None:
        return f"it cannot be observed: {seen.problem}"
    return f"observed {'so' if seen.value else 'otherwise'} since {_clock(seen.since, moment)}"


@explain_verdict.register(SchedulerRunning)
def _(condition: SchedulerRunning, moment: Moment, verdict: Verdict) -> str:  # noqa: ARG001 - as above
    began = moment.history.first_pass_at
    return "no scheduler is running" if began is None else f"the scheduler began {when(began, moment)}"


@explain_verdict.register(SchedulerCycles)
def _(condition: SchedulerCycles, moment: Moment, verdict: Verdict) -> str:  # noqa: ARG001 - as above
    cycles = moment.history.cycles
    return f"the scheduler has made {cycles} pass{'' if cycles == 1 else 'es'}" if cycles else "no scheduler is running"


def _clock(instant: Instant, moment: Moment) -> str:
    return when(instant, moment).removeprefix("at ")
