"""User-defined condition texts: `app.cond("is foo")` allows `daily & is foo`.

Such a text must be everything between two of `&`, `|`, `~` and brackets.
"""

import re
from collections.abc import Sequence
from functools import partial
from typing import TypeAlias

from rocketd.app.condition_rewriting import rewrite
from rocketd.app.function_conditions import FuncCond, Syntax
from rocketd.core.conditions.run_conditions import Running
from rocketd.core.errors import ConditionError
from rocketd.core.language.parser import parse
from rocketd.core.model.condition import Condition
from rocketd.time_zones import named_zone

KnownSyntax: TypeAlias = Sequence[tuple[Syntax, FuncCond]]


def read(text: str, known: KnownSyntax) -> Condition:
    """Parse a condition that may contain these texts; raises ConditionError."""
    found: dict[str, Condition] = {}
    for syntax, condition in known:
        pattern = syntax.pattern if isinstance(syntax, re.Pattern) else re.escape(syntax)
        whole = re.compile(rf"(?P<_before>^|[&|~(])\s*{pattern}\s*(?=$|[&|)])")
        text = whole.sub(partial(_placeholder, condition=condition, found=found), text)
    try:
        condition_read = parse(text, named_zone)
    except ConditionError as error:
        if error.end and not found:
            error.add_note(_underlined(text, error.start, error.end))
        raise
    return rewrite(condition_read, lambda word: _replace_placeholder(word, found)) if found else condition_read


def _underlined(text: str, start: int, end: int) -> str:
    begin = text.rfind("\n", 0, start) + 1
    line = text[begin:].partition("\n")[0]
    return f"{line}\n{' ' * (start - begin)}{'^' * (end - start)}"


def _placeholder(match: re.Match[str], *, condition: FuncCond, found: dict[str, Condition]) -> str:
    """Return a word that the grammar knows, about a task name that nobody uses."""
    values = {name: value for name, value in match.groupdict().items() if name != "_before"}
    name = f"\N{SYMBOL FOR NULL}{len(found)}"
    found[name] = condition(**values) if values else condition
    return f'{match["_before"]}running("{name}")'


def _replace_placeholder(word: Condition, found: dict[str, Condition]) -> Condition:
    return found.get(word.task, word) if isinstance(word, Running) else word
