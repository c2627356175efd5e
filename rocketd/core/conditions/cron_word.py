"""The word `cron`: a line of ticks, or an interval as other schedulers write it in place of a line."""

from __future__ import annotations

import re
from typing import Final

from rocketd.core.conditions.time_conditions import Every, Tick
from rocketd.core.errors import ConditionError

_EVERY: Final = re.compile(r"@every\s+(?P<length>\S.*)", re.IGNORECASE | re.DOTALL)


def cron(line: str, *, within: str | None = None) -> Tick | Every:
    """Read a cron line, or `@every 1h`, which is an interval; raises ConditionError."""
    found = _EVERY.fullmatch(line.strip()) if isinstance(line, str) else None
    if found is None:
        return Tick.cron(line, within=within)
    if within is not None:
        raise ConditionError("an interval has no within", hint=f'write every("{found["length"]}")', about=within)
    try:
        return Every.of(found["length"])
    except ConditionError as error:
        raise ConditionError(error.message, hint=error.hint, end=len(line), about=line) from None
