"""User-defined condition texts: `app.cond("is foo")` allows `daily & is foo`.

Such a text must be everything between two of `&`, `|`, `~` and brackets.
"""

import re
from collections.abc import Sequence
from typing import Final, TypeAlias

from rocketd.app.condition_rewriting import rewrite
from rocketd.app.function_conditions import FuncCond, Syntax
from rocketd.core.conditions.run_conditions import Running
from rocketd.core.errors import ConditionError
from rocketd.core.language.parser import parse
from rocketd.core.model.condition import Condition
from rocketd.time_zones import named_zone

KnownSyntax: TypeAlias = Sequence[tuple[Syntax, FuncCond]]


def read(text: str, known: KnownSyntax) -> Condition:
    """Read a condition in which these texts may stand; raises ConditionError."""
    found: dict[str, Condition] = {}
    text = _with_placeholders(text, known, found)
    try:
        condition_read = parse(text, named_zone)
    except ConditionError as error:
        if error.end and not found:
            error.add_note(_underlined(text, error.start, error.end))
        raise
    return rewrite(condition_read, lambda word: _replace_placeholder(word, found)) if found else condition_read


_QUOTES: Final = ("'", '"')
_BETWEEN: Final = re.compile(r"[\s&|~()]*")
"""What stands between the pieces of a condition."""


def _with_placeholders(text: str, known: KnownSyntax, found: dict[str, Condition]) -> str:
    """Replace each such text by a word that the grammar knows, about a task that nobody has."""
    done: list[str] = []
    at = 0
    while between := _BETWEEN.match(text, at):
        begin = between.end()
        done.append(between[0])
        if begin == len(text):
            break
        ends = _ends(text, begin)
        readings = ((_condition_of(text[begin:end].strip(), known), end) for end in ends)
        condition, at = next((one for one in readings if one[0] is not None), (None, ends[0]))
        if condition is None:
            done.append(text[begin:at])
        else:
            name = f"\N{SYMBOL FOR NULL}{len(found)}"
            found[name] = condition
            done.append(f'running("{name}")')
    return "".join(done)


def _ends(text: str, begin: int) -> list[int]:
    """Return where the piece that begins there may end: at the next sign, or after brackets that belong to it."""
    ends: list[int] = []
    depth, quote = 0, ""
    for at in range(begin, len(text)):
        sign = text[at]
        if quote:
            quote = "" if sign == quote else quote
        elif sign in _QUOTES and sign in text[at + 1 :]:
            quote = sign
        elif sign == "(":
            ends = ends or [at]
            depth += 1
        elif sign == ")" and depth:
            depth -= 1
        elif sign in "&|~)" and not depth:
            return [*ends, at]
    return [*ends, len(text)]


def _condition_of(piece: str, known: KnownSyntax) -> Condition | None:
    """Return the condition that a piece means as a whole; None: it is none of these texts."""
    for syntax, condition in known:
        if isinstance(syntax, str):
            if piece == syntax.strip():
                return condition
        elif matched := syntax.fullmatch(piece):
            values = matched.groupdict()
            return condition(**values) if values else condition
    return None


def _underlined(text: str, start: int, end: int) -> str:
    begin = text.rfind("\n", 0, start) + 1
    line = text[begin:].partition("\n")[0]
    return f"{line}\n{' ' * (start - begin)}{'^' * (end - start)}"


def _replace_placeholder(word: Condition, found: dict[str, Condition]) -> Condition:
    return found.get(word.task, word) if isinstance(word, Running) else word
