"""The first line of a script: its interpreter, and common mistakes in it."""

from typing import Final

HEAD_BYTES: Final = 256
"""How much of a script the kernel looks at."""
WINDOWS: Final = "the file has Windows line endings"
BYTE_ORDER_MARK: Final = "the file begins with a byte order mark; remove it"
_MARK: Final = b"\xef\xbb\xbf"


def has_byte_order_mark(head: bytes) -> bool:
    """Whether a file begins with the byte order mark of Windows: the kernel sees no `#!` after it."""
    return head.startswith(_MARK)


def interpreter_of(head: bytes) -> str:
    """Return the interpreter of a script with this beginning; empty: it has none."""
    if not head.startswith(b"#!"):
        return ""
    line = _first_line(head)[2:].lstrip(b" \t").replace(b"\t", b" ")
    return line.split(b" ", 1)[0].decode(errors="surrogateescape")


def missing(interpreter: str) -> str:
    """Return the sentence for an interpreter that does not exist."""
    if interpreter.endswith("\r"):
        return f"its interpreter {interpreter!r} does not exist: {WINDOWS}"
    return f"its interpreter {interpreter} does not exist"


def mistake_in(head: bytes) -> str:
    """Return what is wrong with this first line, whatever the host has; empty: nothing."""
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
