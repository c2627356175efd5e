"""What `[logging]` of rocketd.toml asks for: events for Python's standard loggers, beside the journal."""

import asyncio
import atexit
import logging
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from rocketd.config.document import problems_of, roughly
from rocketd.config.files import SETTINGS_NAME
from rocketd.config.loaded import Loaded, Outcome
from rocketd.config.problems import Mistake
from rocketd.config.setting import Section
from rocketd.core.entries import Entry, Priority
from rocketd.daemon.loop import Loop
from rocketd.daemon.ports import Journal
from rocketd.log_bridge import LogBridge

GOODBYE: Final = 5.0
"""Seconds that handlers may take for the last records."""


class StandardLogging:
    """The `Journal` that tells another one, and the standard loggers while `[logging]` asks for it."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._bridge: LogBridge | None = None
        self._config: Mapping[str, object] | None = None
        self._loop: Loop | None = None

    def tell(self, entry: Entry) -> bool:
        """Tell both."""
        if self._bridge:
            self._bridge.tell(entry)
        return self._journal.tell(entry)

    def wants(self, priority: Priority) -> bool:
        """Whether one of the two does; the loggers' own levels are theirs to ask."""
        return self._bridge is not None or self._journal.wants(priority)

    def watch_over(self, loop: Loop) -> None:
        """Tell what happens to runs from now on."""
        self._loop = loop
        if self._bridge:
            self._watch(self._bridge)

    async def apply(self, loaded: Loaded) -> Loaded:
        """Do what the settings say; if that cannot be, it is one more problem, and what was before stays.

        While handlers are made, the loggers are locked: nobody else touches them, and records are collected.
        """
        wanted = loaded.settings.logging
        if wanted == self._config:
            return loaded
        if not await self._let_go():
            return _with(loaded, _mistake("a handler has not returned for long: restart rocketd to change logging", ()))
        bridge = self._bridge = LogBridge(begun=False)
        self._watch(bridge)
        error = await asyncio.to_thread(_configure, wanted, self._config)
        if error is None:
            self._config = wanted
        bridge.begin()
        if self._config is None:
            await self._let_go()
        return loaded if error is None else _with(loaded, _mistake_of(error, wanted or {}))

    def _watch(self, bridge: LogBridge) -> None:
        if self._loop:
            self._loop.watchers.add(bridge.watch)

    async def _let_go(self) -> bool:
        """Let the handlers have what waits, for a while; whether they took it."""
        bridge = self._bridge
        if bridge is None:
            return True
        if not await asyncio.to_thread(bridge.close, GOODBYE):
            return False
        self._bridge = None
        if self._loop:
            self._loop.watchers.discard(bridge.watch)
        return True

    async def close(self) -> None:
        """Let the handlers have what waits, for a while. One that never returns must not hold up the exit."""
        if not await self._let_go():
            atexit.unregister(logging.shutdown)  # it would wait for the lock of that handler


def _configure(wanted: Mapping[str, object] | None, before: Mapping[str, object] | None) -> Exception | None:
    """Configure the standard loggers; what goes wrong puts them back to what they were, and is returned."""
    try:
        _set(wanted or {"version": 1, "disable_existing_loggers": False}, before)
    except Exception as error:  # noqa: BLE001 - handlers and their factories are anybody's
        _set(before or {"version": 1, "disable_existing_loggers": False}, wanted)
        return error
    return None


def _set(wanted: Mapping[str, object], before: Mapping[str, object] | None) -> None:
    from logging.config import dictConfig  # noqa: PLC0415 - it brings a server, and is seldom asked for

    for name in _logger_names(before):
        logger = logging.getLogger(name)
        for handler in [*logger.handlers]:
            logger.removeHandler(handler)
    dictConfig({**wanted})


def _logger_names(config: Mapping[str, object] | None) -> Iterator[str | None]:
    if config is not None:
        loggers = config.get("loggers")
        yield from loggers if isinstance(loggers, dict) else ()
        yield None  # the root


def _mistake_of(error: Exception, config: Mapping[str, object]) -> Mistake:
    """Say it where the handler, formatter, filter or logger stands that could not be made."""
    said = "; ".join(str(one) for one in (error, error.__cause__) if one)
    return _mistake(f"logging cannot be set up so: {said}", _path(str(error), config))


def _mistake(message: str, path: tuple[str, ...]) -> Mistake:
    return Mistake((Section.LOGGING.value, *path), message, at_key=True)


def _with(loaded: Loaded, mistake: Mistake) -> Loaded:
    """Add what only came out when the settings were applied."""
    files = [file.path for file in loaded.files if file.name == SETTINGS_NAME and file.outcome is not Outcome.REPLACED]
    path = files[-1] if files else SETTINGS_NAME
    try:
        text = roughly(Path(path).read_bytes())
    except OSError:  # it has gone since
        text = ""
    return replace(loaded, problems=(*loaded.problems, *problems_of([mistake], text, path)))


def _path(said: str, config: Mapping[str, object]) -> tuple[str, ...]:
    for kind in ("handlers", "formatters", "filters", "loggers"):
        named = config.get(kind)
        for name in named if isinstance(named, dict) else ():
            if f"{kind[:-1]} {name!r}" in said:
                return (kind, name)
    return ()
