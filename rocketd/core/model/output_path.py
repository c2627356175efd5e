"""The name of a run's output file: a path with parts of the run's start, its task and its number in it."""

import re
from datetime import tzinfo
from typing import Final

from rocketd.core.instant import datetime_of
from rocketd.core.model.run import Run

DIRECTIVES: Final = "YmdHMSFTyjGVuz%"
"""The directives of strftime(3) that are allowed: the same in every locale, and without a slash."""
NAMES: Final = ("task", "number")
"""The names allowed in braces."""
_PART: Final = re.compile(r"%(.?)|\{([^{}]*)\}?|\}", re.DOTALL)


def find_unknown_part(pattern: str) -> re.Match[str] | None:
    """Return the first directive or name that is not known: `%Q`, `{host}`; None: all are."""
    return next((part for part in _PART.finditer(pattern) if not _is_known(part)), None)


def output_path(pattern: str, run: Run, zone: tzinfo) -> str:
    """Return the path for a run, in that zone; `pattern` has no unknown part."""
    start = datetime_of(run.start, zone)
    named = {"task": run.task, "number": str(run.number)}
    return _PART.sub(lambda part: named[part[2]] if part[2] else start.strftime(part[0]), pattern)


def _is_known(part: re.Match[str]) -> bool:
    if part[0].startswith("%"):
        return bool(part[1]) and part[1] in DIRECTIVES
    return part[0].endswith("}") and part[2] in NAMES
