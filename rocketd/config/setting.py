"""A setting: its key, the type of its value, and its default."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Generic, TypeVar, cast

from rocketd.config.value_types import ValueType
from rocketd.core.dataclass import dataclass

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Section(StrEnum):
    """A kind of table in a task file, as its header is written."""

    TASK = "task.NAME"
    DEFAULTS = "defaults"
    ROCKETD = "rocketd"
    STORE = "store"
    MAIL = "mail"
    FLEET = "fleet"
    TASK_MAIL = "task.NAME.mail"
    LOGGING = "logging"
    HOOKS = "hooks"
    WEBHOOK = "webhook.NAME"
    HTTP = "http"
    HEARTBEAT = "heartbeat"
    METRICS = "metrics"
    CALENDAR = "calendar.NAME"


@dataclass(frozen=True)  # no slots: in Python 3.11 a generic class with both cannot be made as Setting[T](…)
class Setting(Generic[T_co]):
    """One key: the type of its value, and its default."""

    key: str
    kind: ValueType[T_co]
    default: T_co
    shown: str
    """The default as the reference shows it."""
    meaning: str
    shared: bool = True
    """For a task's key: whether `[defaults]` may contain it."""
    only: str = ""
    """The key without which this one has no effect."""
    since: str = "0.1"


class Values:
    """The settings of one table; a key that is not written has its default."""

    __slots__ = ("_read",)

    def __init__(self, read: Mapping[str, object]) -> None:
        self._read = read

    def __getitem__(self, setting: Setting[T]) -> T:
        # The value under a key was made by the setting's own type.
        return cast("T", self._read.get(setting.key, setting.default))

    def __contains__(self, setting: Setting[object]) -> bool:
        return setting.key in self._read


def table(*settings: Setting[object]) -> dict[str, Setting[object]]:
    """Put settings under their keys."""
    return {setting.key: setting for setting in settings}
