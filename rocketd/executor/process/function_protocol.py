"""Functions run in a child interpreter, which may lack this package: it executes the file `function_child.py`.

The child reads its request from standard input and writes its report to descriptor 3, as one JSON object each. The
report comes from a process of the task's user, so it is validated and bounded, never trusted; the exit code decides.
The return value of the function is discarded.
"""

import json
import sys
from pathlib import Path
from typing import Final

from rocketd.core.dataclass import dataclass
from rocketd.core.model.task import Function

CHILD: Final = str(Path(__file__).with_name("function_child.py"))
REPORT_BYTES: Final = 256 * 1024
"""The most that is read of a report; the child sends less than a quarter of it."""
MESSAGE_LENGTH: Final = 1_000
TEXT_LENGTH: Final = 32 * 1024
"""In characters: as much as the child sends, and one line of a message."""


@dataclass(frozen=True, slots=True)
class FunctionReport:
    """The report of a function's child; empty if it could not send one."""

    inaction: bool = False
    message: str = ""
    exc_text: str = ""


NO_REPORT: Final = FunctionReport()


def child_argv(work: Function) -> tuple[str, ...]:
    """Return the argv of the child interpreter."""
    return (work.python or sys.executable, CHILD)


def encode_request(work: Function) -> bytes:
    """Return the request that the child reads from its standard input."""
    return json.dumps({"function": work.path, "parameters": work.parameters}).encode()


def read_report(data: bytes) -> FunctionReport:
    """Parse a report; whatever is not valid counts as missing."""
    if not data:
        return NO_REPORT
    try:
        report = json.loads(data)
    except (ValueError, RecursionError):
        return NO_REPORT
    if not isinstance(report, dict):
        return NO_REPORT
    message, text = _text(report.get("message")), _text(report.get("exc_text"))
    return FunctionReport(
        report.get("inaction") is True, message.partition("\n")[0][:MESSAGE_LENGTH], text[-TEXT_LENGTH:]
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
