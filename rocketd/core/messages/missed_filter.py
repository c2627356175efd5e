"""Which growths of a missed stretch are reported: the record has each of them, the journal and the mails have few.

A stretch that grows is told when it begins, after a minute, then at distances that double up to a day; and once more,
complete, as soon as it is over: when its task starts or ends a run, or misses something for another reason.

every("1s") of a run that hangs    told at 0 s, 1 min, 3 min, 7 min … and at its end, not each second
a daily task that is kept out      told each day
"""

from collections.abc import Iterator
from typing import Final

from rocketd.core.backoff import Backoff
from rocketd.core.dataclass import dataclass
from rocketd.core.instant import DAY, MINUTE, Duration, Instant
from rocketd.core.model.events import Event, Finished, Missed, Started

PAUSES: Final = Backoff[Duration](MINUTE, DAY)


@dataclass(slots=True)
class _MissedReport:
    """The newest state of one task's stretch, and what is known of it outside."""

    newest: Missed
    reported_at: Instant
    pause: Duration = PAUSES.first
    grown: bool = False
    """Whether the newest state has not been reported."""

    def is_due(self, now: Instant) -> bool:
        """Whether the newest state is to be reported now; so it is after the clock was set back."""
        return self.grown and not self.reported_at <= now < self.reported_at + self.pause

    def report(self, now: Instant) -> Missed:
        """Return what is to be reported, and wait for longer than before."""
        self.grown, self.reported_at = False, now
        self.pause = PAUSES.after(self.pause)
        return self.newest


class MissedFilter:
    """Keeps back what need not be told of missed stretches."""

    def __init__(self) -> None:
        self._stretches: dict[str, _MissedReport] = {}

    def pass_on(self, event: Event) -> Iterator[Event]:
        """Yield what is to be told now that this has happened, in order."""
        match event:
            case Missed():
                yield from self._missed(event)
            case Started() | Finished():
                yield from self._end(event.run.task)
                yield event
            case _:
                yield event

    def due(self, now: Instant) -> list[Missed]:
        """Return what has been kept back for long enough, though nothing more was missed."""
        return [stretch.report(now) for stretch in self._stretches.values() if stretch.is_due(now)]

    def end(self) -> list[Missed]:
        """Return all that is still kept back."""
        return [missed for task in tuple(self._stretches) for missed in self._end(task)]

    def _missed(self, missed: Missed) -> Iterator[Missed]:
        stretch = self._stretches.get(missed.task)
        if stretch is None or stretch.newest.run_id != missed.run_id:
            yield from self._end(missed.task)
            self._stretches[missed.task] = _MissedReport(missed, missed.at)
            yield missed
        else:
            stretch.newest, stretch.grown = missed, True
            if stretch.is_due(missed.at):
                yield stretch.report(missed.at)

    def _end(self, task: str) -> Iterator[Missed]:
        stretch = self._stretches.pop(task, None)
        if stretch is not None and stretch.grown:
            yield stretch.newest
