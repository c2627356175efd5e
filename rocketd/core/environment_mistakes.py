"""Common mistakes in environment files: what a shell or Windows would add to the format of EnvironmentFile=."""

import re
from typing import Final

from rocketd.core.script_header import BYTE_ORDER_MARK, has_byte_order_mark

HEAD_BYTES: Final = 64 * 1024
"""How much of a file is worth a look."""
_SHELL: Final = re.compile(rb"^[ \t]*((?:export|declare|typeset|setenv)[ \t]+(?:-\w+[ \t]+)?)(\w+)=", re.MULTILINE)


def mistake_in(head: bytes) -> str:
    """Return what keeps a variable from getting its name, for a file that begins like this; empty: nothing."""
    if has_byte_order_mark(head):
        return BYTE_ORDER_MARK
    if found := _SHELL.search(head):
        before, name = (part.decode("ascii", "replace") for part in found.groups())
        return f"its line {before}{name}=… sets no variable {name}; remove '{before.strip()}'"
    return ""
