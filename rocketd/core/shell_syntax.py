"""The parts of a command's text that only a shell understands.

Quotes and backslashes split a text into words as shlex does; whatever else POSIX gives a meaning to needs a shell.
"""

from __future__ import annotations

import re
from typing import Final

_QUOTED: Final = r"""'[^']*'|"(?:[^"\\$`]|\\.)*"|\\."""
_PLAIN: Final = re.compile(rf"(?:{_QUOTED}|[^|&;<>()$`*?\[\]\n\\'\"])*", re.DOTALL)
_STRIPPED: Final = re.compile(_QUOTED, re.DOTALL)
_PLACED: Final = re.compile(r"(?:^|\s)[~#]|[=:]~|^\s*(?:!|\w+=)")
"""Signs that mean something only in this place: a home, a comment, a negation, a variable."""
_OPERATOR: Final = re.compile(r"(?<!\S)(?:\|\|?|&&?|\d*[<>]\S*|\w[^\s;]*;)(?!\S)")
_FIRST: Final = re.compile(r"\s*(\S+)")

_BUILTINS: Final = frozenset(
    {".", ":", "alias", "break", "case", "cd", "continue", "eval", "exec", "exit", "export", "for", "function"}
    | {"getopts", "hash", "if", "read", "readonly", "return", "set", "shift", "source", "times", "trap", "type"}
    | {"ulimit", "umask", "unalias", "unset", "until", "wait", "while"}
)
"""Builtins of the shell that are not programs."""


def needs_shell(text: str) -> bool:
    """Whether the text means something else to a shell than the words that shlex splits it into."""
    first = _FIRST.match(text)
    return (
        not _PLAIN.fullmatch(text)
        or _PLACED.search(_bare(text)) is not None
        or (first is not None and first[1] in _BUILTINS)
    )


def is_builtin(word: str) -> bool:
    """Whether a word in the place of a program is one that only the shell knows: `cd`, `if`."""
    return word in _BUILTINS


def has_operator(text: str) -> bool:
    """Whether a word of the text is an operator of the shell that no program takes: `a | b`, `a && b`, `a > b`."""
    return _OPERATOR.search(_bare(text)) is not None


def _bare(text: str) -> str:
    """Replace quoted text by a letter."""
    return _STRIPPED.sub("x", text)
