"""What `[logging]` of rocketd.toml asks for: events for Python's standard loggers, beside the journal."""

import asyncio
import logging
import logging.config
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from rocketd.config.document import problems_of, roughly
from rocketd.config.loaded import Loaded
from rocketd.config.problems import Mistake, Problem
from rocketd.core.entries import Entry
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

    def tell(self, entry: Entry) -> None:
        """Tell both."""
        self._journal.tell(entry)
        if self._bridge:
            self._bridge.tell(entry)

    def watch_over(self, loop: Loop) -> None:
        """Tell what happens to runs from now on."""
        self._loop = loop
        if self._bridge:
            loop.watchers.add(self._bridge.watch)

    async def apply(self, loaded: Loaded) -> Loaded:
        """Do what the settings say; if that cannot be, it is one more problem, and what was before stays."""
        wanted = loaded.settings.logging
        if wanted == self._config:
            return loaded
        error = await asyncio.to_thread(_configure, wanted, self._config)
        if error is not None:
            problems = [*loaded.problems, *_problems(error, wanted or {}, loaded)]
            return replace(loaded, problems=tuple(problems))
        self._config = wanted
        await self._bridge_over(wanted=wanted is not None)
        return loaded

    async def _bridge_over(self, *, wanted: bool) -> None:
        if wanted and self._bridge is None:
            self._bridge = LogBridge()
            if self._loop:
                self._loop.watchers.add(self._bridge.watch)
        elif not wanted:
            await self.close()

    async def close(self) -> None:
        """Let the handlers have what waits, for a while."""
        bridge, self._bridge = self._bridge, None
        if bridge:
            if self._loop:
                self._loop.watchers.discard(bridge.watch)
            await asyncio.to_thread(bridge.close, GOODBYE)


def _configure(wanted: Mapping[str, object] | None, before: Mapping[str, object] | None) -> Exception | None:
    """Configure the standard loggers; what goes wrong puts them back to what they were, and is returned."""
    try:
        _set(wanted or {"version": 1, "disable_existing_loggers": False}, before)
    except Exception as error:  # noqa: BLE001 - handlers and their factories are anybody's
        _set(before or {"version": 1, "disable_existing_loggers": False}, wanted)
        return error
    return None


def _set(wanted: Mapping[str, object], before: Mapping[str, object] | None) -> None:
    for name in _logger_names(before):
        logger = logging.getLogger(name)
        for handler in [*logger.handlers]:
            logger.removeHandler(handler)
    logging.config.dictConfig({**wanted})


def _logger_names(config: Mapping[str, object] | None) -> Iterator[str | None]:
    if config is not None:
        loggers = config.get("loggers")
        yield from loggers if isinstance(loggers, dict) else ()
        yield None  # the root


def _problems(error: Exception, config: Mapping[str, object], loaded: Loaded) -> Iterable[Problem]:
    """Say it where the handler, formatter, filter or logger stands that could not be made."""
    said = "; ".join(str(one) for one in (error, error.__cause__) if one)
    mistake = Mistake(_path(str(error), config), f"logging cannot be set up so: {said}", at_key=True)
    file = next(file.path for file in loaded.files if file.name == "rocketd.toml" and file.outcome.value != "replaced")
    try:
        text = roughly(Path(file).read_bytes())
    except OSError:  # it has gone since
        text = ""
    return problems_of([mistake], text, file)


def _path(said: str, config: Mapping[str, object]) -> tuple[str, ...]:
    for kind in ("handlers", "formatters", "filters", "loggers"):
        named = config.get(kind)
        for name in named if isinstance(named, dict) else ():
            if f"{kind[:-1]} {name!r}" in said:
                return ("logging", kind, name)
    return ("logging",)
