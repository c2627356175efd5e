"""Tags of tasks: names that several tasks share."""

from __future__ import annotations

import re
from typing import Final

_TAG: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
MOST_TAGS: Final = 100
"""How many tags a task may have."""


def is_tag(text: str) -> bool:
    """Whether a text can be a tag: letters, digits, `.`, `_` and `-`, as in the names of tasks."""
    return _TAG.fullmatch(text) is not None
