"""The known word that a misspelled one was probably meant to be: the one place for "did you mean"."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

_LONGEST_WORD: Final = 200
"""Comparing takes quadratic time, and nobody misspells a longer word."""


def closest(word: str, known: Iterable[str]) -> str:
    """Return the known word most similar to this one, ignoring case; empty: none is similar."""
    from difflib import get_close_matches  # noqa: PLC0415 - only needed for a mistake, and slow to import

    if len(word) > _LONGEST_WORD:
        return ""
    words = {name.casefold(): name for name in known}
    matches = get_close_matches(word.casefold(), words, n=1)
    return words[matches[0]] if matches else ""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return the hint `did you mean daily?`; empty if no known word is similar."""
    match = closest(word, known)
    return f"did you mean {match}?" if match else ""
