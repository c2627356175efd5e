"""What to write in place of something that is no condition."""

from __future__ import annotations

import re
from typing import NamedTuple


class Equivalent(NamedTuple):
    """What it is, and what does the same here. Conditions are spelled with single quotes: TOML has the double ones."""

    what: str
    """A sentence."""
    condition: str = ""
    """Empty: no condition, but settings of the task alone."""
    settings: tuple[str, ...] = ()
    """As in a task file: `timezone = "Europe/Berlin"`."""
    otherwise: str = ""
    """Another condition that may be meant; empty: none."""

    @property
    def conditions(self) -> list[str]:
        """Those that are given."""
        return [condition for condition in (self.condition, self.otherwise) if condition]

    @property
    def hint(self) -> str:
        """What to write."""
        *first, last = [one for one in (self.condition, *self.settings) if one]
        return f"write {' and '.join(filter(None, [', '.join(first), last]))}" + (
            f", or {self.otherwise}" if self.otherwise else ""
        )

    def inside(self) -> Equivalent | None:
        """The same for `crontime`, if it is one cron line and nothing else."""
        if self.settings or not re.fullmatch(r"cron\('[^']*'\)", self.condition):
            return None
        return self._replace(condition=self.condition.replace("cron", "crontime", 1), otherwise="")
