"""One file: from its bytes to a TOML document, and from mistakes in it to problems with a place."""

from collections.abc import Iterable, Iterator
from typing import Final

import tomli

from rocketd.config.foreign_spellings import foreign_file_hint
from rocketd.config.problems import MAX_MISTAKES, Fault, Mistake, Problem, Severity
from rocketd.config.toml_positions import Place, Positions

_HINTS: Final = {
    "Invalid value": 'write strings in quotes: when = "daily"',
    "Cannot declare": "a file can have a table only once; put its keys together",
    "Cannot overwrite": "a table can have a key only once",
}
_BYTE_ORDER_MARK: Final = "\ufeff"


class TomlSyntaxError(Exception):
    """The file is no TOML document; `problem` says where and why."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


def text_of(content: bytes, path: str) -> str:
    """Decode a file; its lines end in a line feed alone afterwards. Raises `TomlSyntaxError`."""
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        start = len(content[: error.start].decode().replace("\r\n", "\n"))
        place = Positions(decode_leniently(content)).place(start, start + 1)
        message = f"byte 0x{content[error.start]:02x} is not UTF-8"
        raise TomlSyntaxError(_at(path, place, message, "TOML files are written in UTF-8")) from None
    return text.replace("\r\n", "\n")


def decode_leniently(content: bytes) -> str:
    """Decode a file for showing lines of it, whatever it is."""
    return content.decode(errors="replace").replace("\r\n", "\n")


def document_of(text: str, path: str) -> dict[str, object]:
    """Parse a TOML document. Raises `TomlSyntaxError`."""
    try:
        return tomli.loads(text)
    except tomli.TOMLDecodeError as error:
        raise TomlSyntaxError(_not_toml(error, text, path)) from None
    except RecursionError:
        raise TomlSyntaxError(_whole(path, "arrays or tables are nested too deep")) from None
    except ValueError:  # of int(): thousands of digits
        raise TomlSyntaxError(_whole(path, "a number has too many digits")) from None


def _whole(path: str, message: str) -> Problem:
    return Problem(path, 1, 1, "", "error", f"this is not TOML: {message}")


def _not_toml(error: tomli.TOMLDecodeError, text: str, path: str) -> Problem:
    hint = next((hint for begin, hint in _HINTS.items() if error.msg.startswith(begin)), "")
    if text.startswith(_BYTE_ORDER_MARK):
        hint = "the file begins with a byte order mark; save it without"
    hint = foreign_file_hint(text, error.pos) or hint
    message = f"this is not TOML: {error.msg[:1].lower()}{error.msg[1:]}"
    return _at(path, Positions(text).place(error.pos, error.pos + 1), message, hint)


def _at(path: str, place: Place, message: str, hint: str) -> Problem:
    line, column, width, source_line, source_column = place
    return Problem(path, line, column, "", "error", message, hint, source_line, width, source_column)


def problems_of(mistakes: Iterable[Mistake], text: str, path: str) -> tuple[Problem, ...]:
    """Find the place of each mistake; the same one only once, in the order of the lines."""
    mistakes = _limited(mistakes)
    found = dict.fromkeys(_located(mistakes, Positions(text, [mistake.path for mistake in mistakes]), path))
    return tuple(sorted(found, key=lambda problem: (problem.line, problem.column)))


_ORDER: Final[dict[Severity, int]] = {"error": 0, "warning": 1, "note": 2}


def _limited(mistakes: Iterable[Mistake]) -> list[Mistake]:
    """Drop all but the first mistakes; errors come first."""
    ordered = sorted(mistakes, key=lambda mistake: (_ORDER[mistake.severity], mistake.fault is not Fault.FILE))
    shown, more = ordered[:MAX_MISTAKES], ordered[MAX_MISTAKES:]
    if more:
        message = f"this file has more problems than these {MAX_MISTAKES}"
        shown.append(Mistake((), message, severity=more[0].severity, fault=more[0].fault))
    return shown


def _located(mistakes: Iterable[Mistake], positions: Positions, path: str) -> Iterator[Problem]:
    for mistake in mistakes:
        line, column, width, source_line, source_column = positions.find(mistake)
        yield Problem(
            file=path,
            line=line,
            column=column,
            task=mistake.task,
            severity=mistake.severity,
            message=mistake.message,
            hint=mistake.hint,
            source_line=source_line,
            width=width,
            source_column=source_column,
            fault=mistake.fault,
        )
