"""The table `[logging]`: what `logging.config.dictConfig` is given, and where in the file it is wrong.

Whether a handler can be made is only known when it is made (`rocketd.bootstrap.logging_config`); what is wrong in the
table itself is said at once.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from rocketd.config.problems import Mistake, Path
from rocketd.config.setting import Section
from rocketd.core.suggestion import did_you_mean

_TABLES: Final = ("formatters", "filters", "handlers", "loggers")
_KEYS: Final = ("version", "disable_existing_loggers", "incremental", "root", *_TABLES)
_NAMED: Final = {"handlers": "handler", "filters": "filter"}


def read_logging(table: object) -> tuple[dict[str, object] | None, list[Mistake]]:
    """Read it; `version` and `disable_existing_loggers` may be left out. None if it is no table."""
    base: Path = (Section.LOGGING.value,)
    if type(table) is not dict:
        return None, [Mistake(base, "this must be a table", "write [logging]")]
    written: dict[str, object] = table
    return {"version": 1, "disable_existing_loggers": False} | written, list(_mistakes(written, base))


def _mistakes(table: Mapping[str, object], base: Path) -> Iterator[Mistake]:
    for key, value in table.items():
        if key not in _KEYS:
            yield Mistake((*base, key), f"[logging] has no key '{key}'", did_you_mean(key, _KEYS), at_key=True)
        elif key in (*_TABLES, "root") and type(value) is not dict:
            yield Mistake((*base, key), "this must be a table", f"write [logging.{key}]")
    if table.get("version", 1) != 1:
        yield Mistake((*base, "version"), "the only version of this schema is 1")
    for path, logger in _loggers(table, base):
        yield from _wrong_level(logger, path)
        yield from _unknown_names(logger, path, table)
    for name, handler in _tables(table.get("handlers")):
        yield from _wrong_handler(handler, (*base, "handlers", name), table)


def _tables(value: object) -> Iterator[tuple[str, dict[str, object]]]:
    if type(value) is dict:
        yield from ((name, one) for name, one in value.items() if type(one) is dict)


def _loggers(table: Mapping[str, object], base: Path) -> Iterator[tuple[Path, dict[str, object]]]:
    for name, logger in _tables(table.get("loggers")):
        yield (*base, "loggers", name), logger
    for name, logger in _tables({"root": table.get("root")}):
        yield (*base, name), logger


def _wrong_level(one: Mapping[str, object], path: Path) -> Iterator[Mistake]:
    level = one.get("level", "INFO")
    from logging import getLevelNamesMapping  # noqa: PLC0415 - few files have the table

    known = getLevelNamesMapping()
    if type(level) is not int and level not in known:
        yield Mistake((*path, "level"), f"there is no level '{level}'", did_you_mean(str(level), known))


def _unknown_names(one: Mapping[str, object], path: Path, table: Mapping[str, object]) -> Iterator[Mistake]:
    """Find handlers and filters that are used and not there."""
    for key, what in _NAMED.items():
        names, there = one.get(key, []), dict(_tables(table.get(key)))
        for index, name in enumerate(names if type(names) is list else []):
            if type(name) is str and name not in there:
                yield Mistake(
                    (*path, key, index), f"there is no {what} '{name}' in [logging]", did_you_mean(name, there)
                )


def _wrong_handler(handler: Mapping[str, object], path: Path, table: Mapping[str, object]) -> Iterator[Mistake]:
    if "class" not in handler and "()" not in handler:
        yield Mistake(path, "this handler has no class", 'for example class = "logging.FileHandler"', at_key=True)
    yield from _wrong_level(handler, path)
    yield from _unknown_names({"filters": handler.get("filters", [])}, path, table)
    formatter, there = handler.get("formatter"), dict(_tables(table.get("formatters")))
    if type(formatter) is str and formatter not in there:
        hint = did_you_mean(formatter, there)
        yield Mistake((*path, "formatter"), f"there is no formatter '{formatter}' in [logging]", hint)
