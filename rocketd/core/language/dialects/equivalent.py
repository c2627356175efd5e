"""What to write instead of a text that is not a condition."""

from __future__ import annotations

import re
from typing import NamedTuple


class Equivalent(NamedTuple):
    """What a text is, and what does the same here. Conditions have single quotes: TOML uses the double ones."""

    what: str
    """A sentence."""
    condition: str = ""
    """Empty: only settings of the task, without a condition."""
    settings: tuple[str, ...] = ()
    """As in a task file: `timezone = "Europe/Berlin"`."""
    otherwise: str = ""
    """Another condition that may be meant; empty: there is none."""

    @property
    def conditions(self) -> list[str]:
        """The condition and the other one, as far as there are such."""
        return [condition for condition in (self.condition, self.otherwise) if condition]

    @property
    def hint(self) -> str:
        """What to write."""
        *first, last = [one for one in (self.condition, *self.settings) if one]
        return f"write {' and '.join(filter(None, [', '.join(first), last]))}" + (
            f", or {self.otherwise}" if self.otherwise else ""
        )

    def inside(self) -> Equivalent | None:
        """Return the same for `crontime`; None: it is not just one cron line."""
        if self.settings or not re.fullmatch(r"cron\('[^']*'\)", self.condition):
            return None
        return self._replace(condition=self.condition.replace("cron", "crontime", 1), otherwise="")
