"""Tells events to the standard loggers: `rocketd.task` what happens to runs, `rocketd.scheduler` the rest.

Handlers may be slow (a mail, a server), so they are called by a thread of its own; it gets the records in order.
A record of a run carries what the run log keeps of it: `record.task_name`, `record.action`, `record.exc_text` and
whatever else is in `RUN_FIELDS`.
"""

import logging
import traceback
from queue import SimpleQueue
from threading import Thread
from typing import Final

from rocketd.core.instant import SECOND, Instant
from rocketd.core.messages.message import Message, Priority, Stream
from rocketd.core.messages.run_messages import entry_of
from rocketd.core.model.events import Event, Finished, Missed, Spawned, Started, Withdrawn
from rocketd.core.model.run import Action, End, Run

TASK_LOGGER: Final = "rocketd.task"
SCHEDULER_LOGGER: Final = "rocketd.scheduler"

RUN_FIELDS: Final = (
    "task_name", "action", "run_id", "number", "attempt", "trigger", "reason", "due", "start", "end", "runtime",
    "cause", "exit_code", "signal", "output", "times",
)  # fmt: skip  # beside those that every record has: created, message, levelname, exc_text
"""Each is None where it does not apply; times are in seconds since the epoch, `runtime` in seconds."""

MOST_WAITING: Final = 10_000
"""How many records may wait for slow handlers; then the newest are left out, and that is told."""

_LEVELS: Final = {
    Priority.ERROR: logging.ERROR,
    Priority.WARNING: logging.WARNING,
    Priority.NOTICE: logging.INFO,
    Priority.INFO: logging.INFO,
    Priority.DEBUG: logging.DEBUG,
}


class LoggingBridge:
    """The `Journal` that leads to the standard loggers. `write` and `watch` never block and never raise."""

    def __init__(
        self, task_logger: str = TASK_LOGGER, scheduler_logger: str = SCHEDULER_LOGGER, *, begun: bool = True
    ) -> None:
        """Not `begun`: records are only collected until `begin`."""
        self._tasks = logging.getLogger(task_logger)
        self._scheduler = logging.getLogger(scheduler_logger)
        self._records: SimpleQueue[tuple[logging.Logger, logging.LogRecord] | None] = SimpleQueue()
        self._left_out = 0
        self._thread = Thread(target=self._work, name="logging", daemon=True)
        self._output_wanted = False
        """Whether lines of output are, as the thread saw it last: asking takes a lock, so nobody else asks."""
        if begun:
            self.begin()

    def begin(self) -> None:
        """Hand the records to the handlers from now on."""
        self._thread.start()

    def write(self, entry: Message) -> bool:
        """Tell what is not about a run: of runs, `watch` knows more. What is left out is counted, and that is told."""
        if entry.is_output:
            self._tell_output(entry)
        elif "ROCKETD_RUN_ID" not in entry.fields:
            record = _made(self._scheduler, _LEVELS[entry.priority], entry.message)
            record.task_name = entry.fields.get("ROCKETD_TASK")
            self._put(self._scheduler, record)
        return True

    def is_enabled(self, priority: Priority) -> bool:  # noqa: ARG002 - the loggers' own levels say so
        """Whether it is told: everything is."""
        return True

    def watch(self, what: Event | tuple[Run, Stream, str]) -> None:
        """Tell what happened to a run: a watcher of the loop."""
        if isinstance(what, tuple | Spawned):
            return  # a line of output, which `write` has handled; or nothing that the run log keeps
        entry = entry_of(what)
        record = _made(self._tasks, _LEVELS[entry.priority], entry.message)
        _describe(record, what)
        self._put(self._tasks, record)

    def close(self, patience: float | None = None) -> bool:
        """Return when every record has been handed to the handlers, or after so many seconds; whether it has been."""
        self._records.put(None)
        if self._thread.ident is not None:
            self._thread.join(patience)
        return not self._thread.is_alive()

    def _tell_output(self, entry: Message) -> None:
        if self._output_wanted:
            record = _made(self._tasks, logging.DEBUG, entry.message)
            _set(record, task_name=entry.fields["ROCKETD_TASK"], run_id=entry.fields["ROCKETD_RUN_ID"], action="output")
            self._put(self._tasks, record)

    def _put(self, logger: logging.Logger, record: logging.LogRecord) -> None:
        if self._records.qsize() >= MOST_WAITING:
            self._left_out += 1
            return
        if self._left_out:
            told = f"{self._left_out} records are left out here, because the handlers were too slow for them"
            self._left_out = 0
            self._put(self._scheduler, _made(self._scheduler, logging.WARNING, told))
        self._records.put((logger, record))

    def _work(self) -> None:
        while waiting := self._records.get():
            logger, record = waiting
            try:
                self._output_wanted = self._tasks.isEnabledFor(logging.DEBUG)
                if logger.isEnabledFor(record.levelno):
                    logger.handle(record)
            except Exception:  # noqa: BLE001 - a handler of anybody's; the next record must get there all the same
                if logging.raiseExceptions:
                    traceback.print_exc()


def _made(logger: logging.Logger, level: int, message: str) -> logging.LogRecord:
    return logger.makeRecord(logger.name, level, "rocketd", 0, message, (), None)


def _set(record: logging.LogRecord, **values: object) -> None:
    for name in RUN_FIELDS:
        setattr(record, name, values.get(name))


def _describe(record: logging.LogRecord, event: Started | Finished | Withdrawn | Missed) -> None:
    match event:
        case Started(run):
            _set(record, action=Action.RUN.value, **_of_run(run))
            _happened(record, run.start)
        case Finished(run, end):
            _set(record, action=end.action.value, **_of_run(run), **_of_end(end))
            record.exc_text = end.exc_text or None
            _happened(record, end.at)
        case Withdrawn(run, at):
            _set(
                record,
                action=Action.WITHDRAWN.value,
                **_of_run(run),
                end=at / SECOND,
                cause=event.cause.value,
            )
            _happened(record, at)
        case Missed(task, run_id):
            _set(
                record,
                task_name=task,
                action=Action.MISSED.value,
                run_id=run_id,
                due=event.first / SECOND,
                end=event.last / SECOND,
                times=event.count,
                reason=event.reason,
            )
            _happened(record, event.at)


def _happened(record: logging.LogRecord, at: Instant) -> None:
    record.created, record.msecs = at / SECOND, at % SECOND / 1000


def _of_run(run: Run) -> dict[str, object]:
    return {
        "task_name": run.task,
        "run_id": run.run_id,
        "number": run.number,
        "attempt": run.attempt,
        "trigger": run.trigger.value,
        "reason": run.reason,
        "due": run.due / SECOND,
        "start": run.start / SECOND,
    }


def _of_end(end: End) -> dict[str, object]:
    return {
        "end": end.at / SECOND,
        "runtime": end.runtime / SECOND,
        "cause": end.cause.value,
        "exit_code": end.exit_code,
        "signal": end.signal,
        "output": end.output or None,
    }
