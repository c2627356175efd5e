"""The arguments of a word: parsed and checked against the vocabulary; errors get their place in the text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rocketd.core.errors import ConditionError
from rocketd.core.escaping import visible
from rocketd.core.language.lexer import Cursor, Token, error_at, or_meant, unexpected
from rocketd.core.language.parsed_argument import ParsedArgument

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rocketd.core.language.word import Word, WordArgument


def place(error: ConditionError, given: Iterable[ParsedArgument], start: int, end: int) -> ConditionError:
    """Give an error about an argument the place of that argument, and any other error these offsets."""
    for one in given:
        if type(one.value) is type(error.about) and one.value == error.about:
            start, end = one.token.start, one.token.end
            if one.origin is not None and error.end > error.start:
                start, end = one.origin + error.start, one.origin + error.end
            break
    return ConditionError(visible(error.message), hint=visible(error.hint), start=start, end=end)


def read_arguments(word: Word, cursor: Cursor) -> list[ParsedArgument]:
    """Read the arguments of a word in their brackets."""
    opened = cursor.take()
    given: list[ParsedArgument] = []
    while cursor.next.text != ")":
        if given:
            if not cursor.skip(","):
                raise _no_value(cursor.next, word, opened, "expected here")
            if cursor.next.text == ")":
                break
        given.append(_read(word, cursor, opened))
    _check(word, given, opened, cursor.take())
    return given


def _read(word: Word, cursor: Cursor, opened: Token) -> ParsedArgument:
    name = ""
    if cursor.next.kind == "name" and cursor.after_next.text == "=":
        _check_name(word, cursor.next)
        name = cursor.take().text
        cursor.take()
    given = ParsedArgument.of(cursor.next, name)
    if given is None:
        raise _no_value(cursor.next, word, opened, "a text or a number")
    cursor.take()
    return given


def _no_value(token: Token, word: Word, opened: Token, expected: str) -> ConditionError:
    if token.kind == "end":
        return error_at(opened, "this bracket is not closed", f"write {word.example}")
    hint = f"put text in quotes: {word.example}" if token.kind in ("name", "other") else f"write {word.example}"
    return unexpected(token, expected, hint)


def _check_name(word: Word, token: Token) -> None:
    names = [argument.name for argument in word.arguments or () if not argument.many]
    if word.name == "every" and token.text == "since":
        hint = 'write cycle("2 weeks", since="2026-12-03"), or every other week since 2026-12-03'
        raise error_at(token, "an interval has no since: it counts from the last run", hint)
    if token.text not in names:
        guess = or_meant(token.text, names)
        raise error_at(token, f"{word.name} has no argument {token.shown}{guess}", "" if guess else _usage(word))


def _check(word: Word, given: list[ParsedArgument], opened: Token, closed: Token) -> None:
    """Match the arguments with the parameters of the word."""
    places = [argument for argument in word.arguments or () if not argument.by_name]
    seen: set[str] = set()
    named = False
    for number, one in enumerate(given):
        named = named or bool(one.name)
        if named and not one.name:
            raise error_at(one.token, "a positional argument cannot follow a named one", _usage(word))
        argument = _argument(word, places, number, one)
        if not isinstance(one.value, argument.kind.types):
            raise error_at(one.token, f"{word.name} takes {argument.kind.value} here", f"write {word.example}")
        if argument.name in seen and not argument.many:
            raise error_at(one.token, f"{argument.name} is given twice")
        seen.add(argument.name)
    for argument in word.arguments or ():
        if argument.required and argument.name not in seen:
            raise ConditionError(
                f"{word.name} needs {argument.kind.value}", hint=_usage(word), start=opened.start, end=closed.end
            )


def _argument(word: Word, places: list[WordArgument], number: int, one: ParsedArgument) -> WordArgument:
    if one.name:
        return next(argument for argument in word.arguments or () if argument.name == one.name)
    if number < len(places):
        return places[number]
    if places and places[-1].many:
        return places[-1]
    raise error_at(one.token, f"{word.name} takes no more values", word.for_several or _usage(word))


def _usage(word: Word) -> str:
    return f"write {word.example}"
