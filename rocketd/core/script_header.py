"""The first line of a script: who interprets it, and what people get wrong there."""

from typing import Final

HEAD_BYTES: Final = 256
"""How much of a script the kernel looks at."""
WINDOWS: Final = "the file has Windows line endings"
BYTE_ORDER_MARK: Final = "the file begins with a byte order mark; remove it"
_MARK: Final = b"\xef\xbb\xbf"


def has_byte_order_mark(head: bytes) -> bool:
    """Whether a file that begins so begins with what Windows writes before UTF-8: the kernel sees no `#!` there."""
    return head.startswith(_MARK)


def interpreter_of(head: bytes) -> str:
    """Name what the kernel executes in the place of a script that begins so; empty: it is none."""
    if not head.startswith(b"#!"):
        return ""
    line = _first_line(head)[2:].lstrip(b" \t").replace(b"\t", b" ")
    return line.split(b" ", 1)[0].decode(errors="surrogateescape")


def missing(interpreter: str) -> str:
    """Say that the interpreter of a script is not there."""
    if interpreter.endswith("\r"):
        return f"its interpreter {interpreter!r} does not exist: {WINDOWS}"
    return f"its interpreter {interpreter} does not exist"


def mistake_in(head: bytes) -> str:
    """Say what is wrong with a script that begins so, whatever there is on the host; empty: nothing."""
    if has_byte_order_mark(head):
        return BYTE_ORDER_MARK
    interpreter, line = interpreter_of(head), _first_line(head)
    if not interpreter or not line.endswith(b"\r"):
        return ""
    if interpreter.endswith("\r"):
        return missing(interpreter)
    last = line.split(b" ")[-1].decode(errors="surrogateescape")
    return f"its first line names {last!r}: {WINDOWS}"


def _first_line(head: bytes) -> bytes:
    return head.split(b"\n", 1)[0].split(b"\0", 1)[0]
