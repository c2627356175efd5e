"""Forwards events to Python's loggers: those of runs to `rocketd.task`, all others to `rocketd.scheduler`.

Handlers may be slow (mail, a server), so a thread of its own calls them, with the records in order. A record of a run
has the fields of the run log: `record.task_name`, `record.action`, `record.exc_text` and the others in `RUN_FIELDS`.
"""

import logging
import traceback
from queue import SimpleQueue
from threading import Thread
from typing import Final

from rocketd.core.instant import SECOND, Instant
from rocketd.core.messages.message import Message, Priority
from rocketd.core.messages.output_line import OutputLine
from rocketd.core.messages.run_messages import entry_of
from rocketd.core.model.events import Event, Finished, Missed, Spawned, Started, Withdrawn
from rocketd.core.model.run import Action, End, Run

TASK_LOGGER: Final = "rocketd.task"
SCHEDULER_LOGGER: Final = "rocketd.scheduler"

RUN_FIELDS: Final = (
    "task_name", "action", "run_id", "number", "attempt", "trigger", "reason", "due", "start", "end", "runtime",
    "cpu_time", "memory_peak", "io_read", "io_written", "cause", "exit_code", "signal", "output", "times",
)  # fmt: skip  # in addition to those of every record: created, message, levelname, exc_text
"""Each is None if it does not apply; times are in seconds since the epoch, `runtime` and `cpu_time` in seconds."""

MAX_WAITING: Final = 10_000
"""The most records that wait for slow handlers; then new ones are dropped, and a record says how many."""

_LEVELS: Final = {
    Priority.ERROR: logging.ERROR,
    Priority.WARNING: logging.WARNING,
    Priority.NOTICE: logging.INFO,
    Priority.INFO: logging.INFO,
    Priority.DEBUG: logging.DEBUG,
}


class LoggingBridge:
    """The `Journal` for Python's loggers. `write` and `watch` never block and never raise."""

    def __init__(
        self, task_logger: str = TASK_LOGGER, scheduler_logger: str = SCHEDULER_LOGGER, *, started: bool = True
    ) -> None:
        """If not `started`, records are only collected until `start` is called."""
        self._tasks = logging.getLogger(task_logger)
        self._scheduler = logging.getLogger(scheduler_logger)
        self._records: SimpleQueue[tuple[logging.Logger, logging.LogRecord] | None] = SimpleQueue()
        self._dropped = 0
        self._thread = Thread(target=self._work, name="logging", daemon=True)
        self._output_enabled = False
        """Whether lines of output are handled, as last seen by the thread: asking takes a lock."""
        if started:
            self.start()

    def start(self) -> None:
        """Start passing records to the handlers."""
        self._thread.start()

    def write(self, message: Message) -> bool:
        """Forward a message that is not about a run; `watch` handles those. Always returns True."""
        if message.is_output:
            self._write_output(message)
        elif "ROCKETD_RUN_ID" not in message.fields:
            record = _new_record(self._scheduler, _LEVELS[message.priority], message.message)
            record.task_name = message.fields.get("ROCKETD_TASK")
            self._put(self._scheduler, record)
        return True

    def is_enabled(self, priority: Priority) -> bool:  # noqa: ARG002 - the loggers' own levels say so
        """Return True: the loggers have levels of their own."""
        return True

    def watch(self, event: Event | OutputLine) -> None:
        """Forward an event of a run; a watcher of the loop."""
        if isinstance(event, tuple | Spawned):
            return  # a line of output, which `write` handles; or an event that the run log does not have
        message = entry_of(event)
        record = _new_record(self._tasks, _LEVELS[message.priority], message.message)
        _describe(record, event)
        self._put(self._tasks, record)

    def close(self, timeout: float | None = None) -> bool:
        """Wait until the handlers have all records, for `timeout` seconds at most; return whether they have."""
        self._records.put(None)
        if self._thread.ident is not None:
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def _write_output(self, message: Message) -> None:
        if self._output_enabled:
            record = _new_record(self._tasks, logging.DEBUG, message.message)
            _set(
                record,
                task_name=message.fields["ROCKETD_TASK"],
                run_id=message.fields["ROCKETD_RUN_ID"],
                action="output",
            )
            self._put(self._tasks, record)

    def _put(self, logger: logging.Logger, record: logging.LogRecord) -> None:
        if self._records.qsize() >= MAX_WAITING:
            self._dropped += 1
            return
        if self._dropped:
            text = f"{self._dropped} records are missing here: the logging handlers were too slow"
            self._dropped = 0
            self._put(self._scheduler, _new_record(self._scheduler, logging.WARNING, text))
        self._records.put((logger, record))

    def _work(self) -> None:
        while item := self._records.get():
            logger, record = item
            try:
                self._output_enabled = self._tasks.isEnabledFor(logging.DEBUG)
                if logger.isEnabledFor(record.levelno):
                    logger.handle(record)
            except Exception:  # noqa: BLE001 - handlers are foreign code, and the next record must be handled
                if logging.raiseExceptions:
                    traceback.print_exc()


def _new_record(logger: logging.Logger, level: int, message: str) -> logging.LogRecord:
    return logger.makeRecord(logger.name, level, "rocketd", 0, message, (), None)


def _set(record: logging.LogRecord, **values: object) -> None:
    for name in RUN_FIELDS:
        setattr(record, name, values.get(name))


def _describe(record: logging.LogRecord, event: Started | Finished | Withdrawn | Missed) -> None:
    match event:
        case Started(run):
            _set(record, action=Action.RUN.value, **_of_run(run))
            _set_time(record, run.start)
        case Finished(run, end):
            _set(record, action=end.action.value, **_of_run(run), **_of_end(end))
            record.exc_text = end.exc_text or None
            _set_time(record, end.at)
        case Withdrawn(run, at):
            _set(
                record,
                action=Action.WITHDRAWN.value,
                **_of_run(run),
                end=at / SECOND,
                cause=event.cause.value,
            )
            _set_time(record, at)
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
            _set_time(record, event.at)


def _set_time(record: logging.LogRecord, at: Instant) -> None:
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
        "cpu_time": None if end.usage.cpu is None else end.usage.cpu / SECOND,
        "memory_peak": end.usage.memory,
        "io_read": end.usage.io_read,
        "io_written": end.usage.io_written,
        "cause": end.cause.value,
        "exit_code": end.exit_code,
        "signal": end.signal,
        "output": end.output or None,
    }
