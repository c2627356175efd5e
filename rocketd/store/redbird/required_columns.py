"""Columns that a table demands of each record though the model of the run log lacks them.

The tables that Rocketry makes of its LogRecord and RunRecord have the attributes of a logging.LogRecord, all NOT NULL.
"""

from collections.abc import Callable, Mapping
from typing import Final

from rocketd.core.model.run import Action
from rocketd.store.redbird.compat import BaseRepo

_Values = Mapping[str, object]


def _sentence(values: _Values) -> object:
    return values.get("message") or f"Task '{values['task_name']}' status: '{values['action']}'"


def _is_error(values: _Values) -> bool:
    return values["action"] in (Action.FAIL, Action.CRASH)


_ATTRIBUTES: Final[Mapping[str, Callable[[_Values], object]]] = {
    "name": lambda _: "rocketd.task",
    "msg": _sentence,
    "message": _sentence,
    "formatted_message": _sentence,
    "levelname": lambda values: "ERROR" if _is_error(values) else "INFO",
    "levelno": lambda values: 40 if _is_error(values) else 20,
    "process": lambda values: values.get("pid") or 0,
    **dict.fromkeys(("pathname", "filename", "module", "funcName", "threadName", "processName"), lambda _: ""),
    **dict.fromkeys(("lineno", "msecs", "relativeCreated", "thread"), lambda _: 0),
}
"""The attributes of a logging.LogRecord, from what is known of a run."""


def required_columns(repo: BaseRepo) -> frozenset[str]:
    """Return the columns of the repository's table that must have a value and have no default, keys aside."""
    table = getattr(getattr(repo, "model_orm", None), "__table__", None)
    columns = () if table is None else table.columns
    return frozenset(
        column.name
        for column in columns
        if not (
            column.nullable or column.primary_key or column.default is not None or column.server_default is not None
        )
    )


LOG_ATTRIBUTES: Final = frozenset(_ATTRIBUTES)


def log_attributes(names: frozenset[str], values: _Values) -> dict[str, object]:
    """Return these attributes of the logging.LogRecord of a record with these values."""
    return {name: _ATTRIBUTES[name](values) for name in names}
