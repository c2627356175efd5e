"""Reads `ExecStart=` and its kin (systemd.service(5), "Command lines") and spells them for a task."""

from __future__ import annotations

import re
import shlex
from typing import Final

from rocketd.core.dataclass import dataclass

_PREFIX: Final = re.compile(r"[@\-:+!|]*")
_WORD: Final = re.compile(r"""(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|\\.|[^\s"'\\])+""", re.DOTALL)
_PIECE: Final = re.compile(
    r""""((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|(\\(?:x[0-9a-fA-F]{2}|[0-7]{3}|.))|([^"'\\]+)""", re.DOTALL
)
_ESCAPE: Final = re.compile(r"\\(?:x([0-9a-fA-F]{2})|([0-7]{3})|(.))", re.DOTALL)
_NAMED: Final = {"n": "\n", "t": "\t", "r": "\r", "s": " "}
_VARIABLE: Final = re.compile(r"\$\$|\$\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class ExecLine:
    """One command of a service."""

    words: tuple[str, ...]
    ignores_failure: bool = False
    privileged: bool = False
    """Whether it runs with full rights whatever `User=` says."""
    literal: bool = False
    """Whether `$` means nothing."""
    renamed: bool = False
    """Whether the second word is the name that the program is told."""

    @property
    def split_variables(self) -> list[str]:
        """Return the variables that are words of their own, whose values are split into words."""
        return [] if self.literal else [word[1:] for word in self.words if re.fullmatch(r"\$\w+", word)]

    @property
    def needs_shell(self) -> bool:
        """Whether variables are to be replaced."""
        return not self.literal and any("$" in word for word in self.words)

    def for_shell(self) -> str:
        """Return the same as text for a shell."""
        text = " ".join(map(shlex.quote if self.literal else _shell_word, self.words))
        return f"{{ {text} || true; }}" if self.ignores_failure else text


def read_exec(text: str) -> list[ExecLine]:
    """Read a line; a `;` of its own separates commands."""
    lines: list[ExecLine] = []
    words: list[str] = []
    for raw in [*_WORD.findall(text), ";"]:
        if raw != ";":
            words.append(_unquoted(raw))
        elif words:
            lines.append(_line(words))
            words = []
    return lines


def read_words(text: str) -> list[str]:
    """Read words as a line of a command has them, such as the assignments of `Environment=`."""
    return [_unquoted(raw) for raw in _WORD.findall(text)]


def _line(words: list[str]) -> ExecLine:
    found = _PREFIX.match(words[0])
    prefix = found[0] if found else ""
    first = words[0][len(prefix) :]
    return ExecLine(
        (first, *words[1:]),
        ignores_failure="-" in prefix,
        privileged="+" in prefix or "!" in prefix,
        literal=":" in prefix,
        renamed="@" in prefix,
    )


def _unquoted(raw: str) -> str:
    return "".join(
        _ESCAPE.sub(_unescaped, double or single or escaped) or plain
        for double, single, escaped, plain in _PIECE.findall(raw)
    )


def _unescaped(found: re.Match[str]) -> str:
    if found[1] or found[2]:
        return chr(int(found[1] or found[2], 16 if found[1] else 8))
    return _NAMED.get(found[3], found[3])


def _shell_word(word: str) -> str:
    """Spell a word: `$NAME` alone is split at blanks, `${NAME}` is not, and `$$` is a dollar sign."""
    if re.fullmatch(r"\$\w+", word):
        return word
    if not _VARIABLE.search(word):
        return shlex.quote(word)
    parts, at = [], 0
    for found in _VARIABLE.finditer(word):
        parts += [_inside(word[at : found.start()]), "\\$" if found[0] == "$$" else f"${{{found[1]}}}"]
        at = found.end()
    return f'"{"".join([*parts, _inside(word[at:])])}"'


def _inside(text: str) -> str:
    return re.sub(r'([\\"$`])', r"\\\1", text)


def command_of(lines: list[ExecLine]) -> dict[str, str | bool | list[str]]:
    """Return the settings of a task that runs these one after another, as long as none fails."""
    only = lines[0] if len(lines) == 1 else None
    if only and not only.needs_shell and not only.ignores_failure:
        return {"command": [*only.words]}
    return {"command": " && ".join(line.for_shell() for line in lines), "shell": True}
