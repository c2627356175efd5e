"""Functions run in a child interpreter, which may lack this package: `function_child.py` is handed to it as a file.

The child reads what to call on its standard input and tells how it went on descriptor 3, as one JSON object each.
What it tells comes from a process of the task's user, so it is matched and bounded, never trusted; its exit code has
the last word. What the function returns is not kept.
"""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rocketd.core.model.task import Function

CHILD: Final = str(Path(__file__).with_name("function_child.py"))
REPORT_BYTES: Final = 256 * 1024
"""How much of a report is read; the child sends less than a quarter of it."""


@dataclass(frozen=True, slots=True)
class FunctionReport:
    """What a function's child told: nothing if it had no chance to."""

    inaction: bool = False
    message: str = ""
    exc_text: str = ""


NOTHING: Final = FunctionReport()


def arguments(work: Function) -> tuple[str, ...]:
    """Give the argv of the child interpreter."""
    return (work.python or sys.executable, CHILD)


def request(work: Function) -> bytes:
    """Give what the child reads."""
    return json.dumps({"function": work.path, "parameters": work.parameters}).encode()


def read_report(data: bytes) -> FunctionReport:
    """Take what the child told, as far as it makes sense."""
    if not data:
        return NOTHING
    try:
        told = json.loads(data)
    except (ValueError, RecursionError):
        return NOTHING
    if not isinstance(told, dict):
        return NOTHING
    return FunctionReport(told.get("inaction") is True, _text(told.get("message")), _text(told.get("exc_text")))


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
