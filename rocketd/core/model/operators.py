"""The operators of a task."""

from typing import Final

from rocketd.core.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Operators:
    """The users and groups that may operate a task, beside those who may do everything."""

    uids: frozenset[int] = frozenset()
    gids: frozenset[int] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.uids or self.gids)


NO_OPERATORS: Final = Operators()
