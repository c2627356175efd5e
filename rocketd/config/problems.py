"""Problems: every mistake as a place, a sentence, the line with a caret, and a hint.

While a file is read, a mistake is known by its *path* in the document, `("task", "backup", "when")`; only where there
is one are the lines looked up (`positions`).
"""

import os
import unicodedata
from dataclasses import replace
from enum import Enum
from typing import Final, Literal, TypeAlias

from rocketd.core.dataclass import dataclass
from rocketd.core.escaping import visible
from rocketd.core.url_password import without_passwords, without_web_paths

MAX_TEXT: Final = 500
"""Characters of a message or a hint: a whole file may be one word."""
MAX_MISTAKES: Final = 100
"""How many mistakes of one file are reported."""

Severity: TypeAlias = Literal["error", "warning", "note"]
"""An error keeps a task from being loaded; a warning does not, and a note is no mistake."""

Path: TypeAlias = tuple[str | int, ...]
"""The keys (and indexes of lists) that lead to a value of a TOML document."""


class Fault(Enum):
    """The origin of a mistake: one of the host may resolve itself without an edit, so it is checked again."""

    FILE = "file"
    HOST = "host"
    """The host does not answer, or lacks something. A task that was loaded before stays as it was."""
    IDENTITY = "identity"
    """The host says that there is no such user or group. Nothing may run as if there were one."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a task file, or one about the file itself."""

    file: str
    line: int
    """From 1; a problem of the whole file is at 1:1 and has no `source_line`."""
    column: int
    """From 1, in characters."""
    task: str
    """Empty: not about one task."""
    severity: Severity
    message: str
    hint: str = ""
    source_line: str = ""
    width: int = 1
    """How many characters from `column` on are underlined."""
    source_column: int = 1
    """Which column `source_line` begins with: of a long line only a part is shown."""
    fault: Fault = Fault.FILE

    def __post_init__(self) -> None:
        for name in ("task", "message", "hint"):
            text = without_passwords(getattr(self, name))
            if len(text) > MAX_TEXT:
                text = f"{text[:MAX_TEXT]}…"
            object.__setattr__(self, name, text)
        object.__setattr__(self, "source_line", without_web_paths(without_passwords(self.source_line)))

    @property
    def excludes_file(self) -> bool:
        """Whether no task of its file can be loaded."""
        return self.severity == "error" and self.fault is Fault.FILE

    @property
    def is_transient(self) -> bool:
        """Whether a change of the host may resolve it: then it is worth checking again."""
        return self.severity == "error" and self.fault is not Fault.FILE

    def __str__(self) -> str:
        whose = f"task '{self.task}': " if self.task else ""
        place = f"{self.file}:{self.line}:{self.column}"
        lines = [visible(f"{place}: {self.severity}: {whose}{self.message}")]
        if self.source_line:
            lines += ["".join(map(_escape, self.source_line)), self._caret()]
        if self.hint:
            lines.append(visible(f"hint: {self.hint}"))
        return "\n".join(lines)

    def _caret(self) -> str:
        """Return the caret line under the mistake, as wide as it is on a terminal."""
        start = self.column - self.source_column
        before, under = self.source_line[:start], self.source_line[start : start + self.width]
        return "".join(map(_blank, before)) + "^" * max(1, sum(map(_cells, under)))

    def as_json(self) -> dict[str, str | int]:
        """Return it as `check --json` shows it."""
        return {
            "file": self.file,
            "line": self.line,
            "column": self.column,
            "task": self.task,
            "severity": self.severity,
            "message": self.message,
            "hint": self.hint,
            "source_line": self.source_line,
            "width": self.width,
            "source_column": self.source_column,
        }


def by_place(problem: Problem) -> tuple[str, str, int, int]:
    """Return what problems are sorted by."""
    return (os.path.basename(problem.file), problem.file, problem.line, problem.column)  # noqa: PTH119 - a string in


@dataclass(frozen=True, slots=True)
class Mistake:
    """A mistake whose line is not looked up yet."""

    path: Path
    message: str
    hint: str = ""
    severity: Severity = "error"
    at_key: bool = False
    """Whether the key is at fault, not its value."""
    start: int = 0
    end: int = 0
    """The offsets of the mistake in the text at `path`, in characters; both 0: all of it."""
    word: str = ""
    """The word in that text to point at, where the offsets are not known."""
    fault: Fault = Fault.FILE
    kind: str = ""
    """By what name a task ignores it; empty: it cannot be ignored."""

    @property
    def task(self) -> str:
        """The task it is about; empty if it is about none."""
        return str(self.path[1]) if len(self.path) > 1 and self.path[0] == "task" else ""


class BadValue(ValueError):
    """A value that a setting does not take; a list or a table may hold several mistakes, at paths of their own."""

    def __init__(  # noqa: PLR0913 - a mistake, as above
        self,
        message: str,
        hint: str = "",
        *,
        path: Path = (),
        at_key: bool = False,
        start: int = 0,
        end: int = 0,
        fault: Fault = Fault.FILE,
    ) -> None:
        super().__init__(message)
        self._mistakes = [Mistake(path, message, hint, at_key=at_key, start=start, end=end, fault=fault)]

    @classmethod
    def of(cls, mistakes: list[Mistake]) -> "BadValue":
        """Combine the mistakes of several places; there is at least one."""
        error = cls(mistakes[0].message)
        error._mistakes = mistakes
        return error

    def under(self, path: Path) -> list[Mistake]:
        """Return the same mistakes with this path in front of theirs."""
        return [replace(mistake, path=(*path, *mistake.path)) for mistake in self._mistakes]


def _escape(char: str) -> str:
    return "\t" if char == "\t" else visible(char)


def _cells(char: str) -> int:
    """How many columns of a terminal the character takes."""
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else len(visible(char))


def _blank(char: str) -> str:
    return "\t" if char == "\t" else " " * _cells(char)
