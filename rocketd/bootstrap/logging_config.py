"""What `[logging]` of rocketd.toml asks for: events for Python's standard loggers, beside the journal."""

import asyncio
import atexit
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import RLock
from typing import Final

from rocketd.background_threads import WorkTimeout, in_thread, start_in_thread
from rocketd.config.load_result import FileOutcome, LoadResult
from rocketd.config.problems import Mistake
from rocketd.config.setting import Section
from rocketd.config.task_files import SETTINGS_NAME
from rocketd.config.toml_document import decode_leniently, problems_of
from rocketd.core.messages.message import Message, Priority
from rocketd.daemon.loop import Loop
from rocketd.daemon.ports import Journal
from rocketd.journal.logging_bridge import LoggingBridge

CLOSE_TIMEOUT: Final = 5.0
"""Seconds that handlers may take for the last records."""
SETUP_TIMEOUT: Final = 10.0
"""Seconds that setting up handlers may take before the daemon continues without them."""


class LoggingConfig:
    """A `Journal` that writes to another one, and to the standard loggers while `[logging]` asks for it."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._bridge: LoggingBridge | None = None
        self._config: Mapping[str, object] | None = None
        self._late_setup: asyncio.Future[Exception | None] | None = None
        """A setup that was abandoned and has not finished."""
        self._requested: Mapping[str, object] | None = None
        self.finished_late: Callable[[], None] = lambda: None
        """Called when an abandoned setup has finished: then `apply` reports something else."""
        self._loop: Loop | None = None

    def write(self, entry: Message) -> bool:
        """Write a message to both."""
        if self._bridge:
            self._bridge.write(entry)
        return self._journal.write(entry)

    def is_enabled(self, priority: Priority) -> bool:
        """Whether one of the two does; the loggers' own levels are theirs to ask."""
        return self._bridge is not None or self._journal.is_enabled(priority)

    def attach(self, loop: Loop) -> None:
        """Pass what happens to runs to the standard loggers from now on."""
        self._loop = loop
        if self._bridge:
            self._watch(self._bridge)

    async def apply(self, loaded: LoadResult) -> LoadResult:
        """Apply the settings; if that fails, add a problem and keep the previous ones.

        While handlers are created, the loggers are locked and records are collected. If that hangs, records are
        collected until it finishes, and nothing changes before.
        """
        config = loaded.settings.logging
        if self._late_setup is not None:
            if self._late_setup.done():
                self._finish_late(self._late_setup)
            else:
                return await _with_mistake(
                    loaded, _late_setup_mistake(self._requested if config == self._requested else None)
                )
        if config == self._config:
            return loaded
        if not await self._close_bridge():
            message = "a logging handler hangs: restart rocketd to change logging"
            return await _with_mistake(loaded, _mistake(message, ()))
        return await self._set_up(loaded, config)

    async def _set_up(self, loaded: LoadResult, config: Mapping[str, object] | None) -> LoadResult:
        bridge = self._bridge = LoggingBridge(started=False)
        self._watch(bridge)
        setup = start_in_thread(partial(_configure, config, self._config))
        self._requested = config
        await asyncio.wait([setup], timeout=SETUP_TIMEOUT)
        if not setup.done():
            self._late_setup = setup
            _unlock_loggers()
            setup.add_done_callback(self._finish_late)
            return await _with_mistake(loaded, _late_setup_mistake(config))
        error = setup.result()
        await self._set(error)
        return loaded if error is None else await _with_mistake(loaded, _mistake_of(error, config or {}))

    async def _set(self, error: Exception | None) -> None:
        if error is None:
            self._config = self._requested
        if self._bridge is not None:
            self._bridge.start()
        if self._config is None:
            await self._close_bridge()

    def _finish_late(self, setup: "asyncio.Future[Exception | None]") -> None:
        """Handle the end of a setup that hung; the next reload reports its error, if there is one."""
        if self._late_setup is not None:
            self._late_setup = None
            if setup.result() is None:
                self._config = self._requested
            if self._bridge is not None:
                self._bridge.start()
            self.finished_late()

    def _watch(self, bridge: LoggingBridge) -> None:
        if self._loop:
            self._loop.watchers.add(bridge.watch)

    async def _close_bridge(self) -> bool:
        """Wait for the handlers to take what is left, for a while; return whether they have."""
        bridge = self._bridge
        if bridge is None:
            return True
        if not await in_thread(partial(bridge.close, CLOSE_TIMEOUT)):
            return False
        self._bridge = None
        if self._loop:
            self._loop.watchers.discard(bridge.watch)
        return True

    async def close(self) -> None:
        """Wait for the handlers to take what is left, for a while: one that never returns must not hold up the exit."""
        if self._late_setup is not None or not await self._close_bridge():
            atexit.unregister(logging.shutdown)  # it would wait for the lock of that handler


class _Lock:
    """A lock that also those may release who hold the one that it has taken the place of."""

    def __init__(self) -> None:
        self._lock = RLock()

    def acquire(self) -> None:
        self._lock.acquire()

    def release(self) -> None:
        with suppress(RuntimeError):
            self._lock.release()

    def __enter__(self) -> None:
        self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()


def _unlock_loggers() -> None:
    """Replace the lock of all loggers: a handler that hangs while it is made holds it."""
    logging._lock = _Lock()  # type: ignore[attr-defined] # noqa: SLF001 - there is no other way past it


def _configure(config: Mapping[str, object] | None, previous: Mapping[str, object] | None) -> Exception | None:
    """Configure the standard loggers; what goes wrong puts them back to what they were, and is returned."""
    try:
        _set(config or {"version": 1, "disable_existing_loggers": False}, previous)
    except Exception as error:  # noqa: BLE001 - handlers and their factories are anybody's
        _set(previous or {"version": 1, "disable_existing_loggers": False}, config)
        return error
    return None


def _set(config: Mapping[str, object], previous: Mapping[str, object] | None) -> None:
    from logging.config import dictConfig  # noqa: PLC0415 - it brings a server, and is seldom asked for

    for name in _logger_names(previous):
        logger = logging.getLogger(name)
        for handler in [*logger.handlers]:
            logger.removeHandler(handler)
    dictConfig({**config})


def _logger_names(config: Mapping[str, object] | None) -> Iterator[str | None]:
    if config is not None:
        loggers = config.get("loggers")
        yield from loggers if isinstance(loggers, dict) else ()
        yield None  # the root


def _mistake_of(error: Exception, config: Mapping[str, object]) -> Mistake:
    """Return the mistake, at the handler, formatter, filter or logger that could not be made."""
    text = "; ".join(str(one) for one in (error, error.__cause__) if one)
    return _mistake(f"cannot set up logging: {text}", _path(str(error), config))


def _mistake(message: str, path: tuple[str, ...]) -> Mistake:
    return Mistake((Section.LOGGING.value, *path), message, at_key=True)


def _late_setup_mistake(config: Mapping[str, object] | None) -> Mistake:
    if config is None:
        return _mistake("cannot change logging, as an earlier change of it still hangs: restart rocketd", ())
    handlers = config.get("handlers")
    files = [str(one["filename"]) for one in _tables(handlers) if "filename" in one]
    where = f", perhaps on {' or '.join(files)}" if files else ""
    message = f"setting up logging hangs{where}: log records wait until that is done"
    return _mistake(message, ("handlers",) if files else ())


def _tables(handlers: object) -> list[dict[str, object]]:
    return [one for one in handlers.values() if isinstance(one, dict)] if isinstance(handlers, dict) else []


async def _with_mistake(loaded: LoadResult, mistake: Mistake) -> LoadResult:
    """Add what only came out when the settings were applied."""
    files = [
        file.path for file in loaded.files if file.name == SETTINGS_NAME and file.outcome is not FileOutcome.REPLACED
    ]
    path = files[-1] if files else SETTINGS_NAME
    with suppress(WorkTimeout):
        return await in_thread(partial(_located, loaded, mistake, path), time_limit=SETUP_TIMEOUT)
    return replace(loaded, problems=(*loaded.problems, *problems_of([mistake], "", path)))


def _located(loaded: LoadResult, mistake: Mistake, path: str) -> LoadResult:
    text = ""
    with suppress(OSError):  # it has gone since
        text = decode_leniently(Path(path).read_bytes())
    return replace(loaded, problems=(*loaded.problems, *problems_of([mistake], text, path)))


def _path(text: str, config: Mapping[str, object]) -> tuple[str, ...]:
    for kind in ("handlers", "formatters", "filters", "loggers"):
        named = config.get(kind)
        for name in named if isinstance(named, dict) else ():
            if f"{kind[:-1]} {name!r}" in text:
                return (kind, name)
    return ()
