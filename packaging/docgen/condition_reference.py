"""The tables of words in docs/reference/conditions.md, made from the table that the parser reads by.

A table stands between `<!-- words: WHICH -->` and `<!-- end -->`; what is around it is written by hand. So it is with
`<!-- days: ZONE -->`: what conditions give on the days on which the clock is changed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from typing import Final
from zoneinfo import ZoneInfo

from docgen.condition_examples import CHANGED, CHANGES, on_day, scene, told

from rocketd.core.conditions.occurrences import EventCondition
from rocketd.core.conditions.run_conditions import Running
from rocketd.core.conditions.time_conditions import OncePerWindow, TimeOf
from rocketd.core.language.vocabulary import HOURS, SPANS, WORDS
from rocketd.core.language.vocabulary_dates import DATE_WORDS
from rocketd.core.language.vocabulary_work_days import NUMBERS, WORK_DAY_WORDS
from rocketd.core.language.word import Word

PAGE: Final = "docs/reference/conditions.md"

PAGES: Final = (PAGE, "docs/explanation/daylight-saving.md")
"""The pages that have tables which are made."""

_BLOCK: Final = re.compile(r"(<!-- (words|days): ([\w/]+) -->\n).*?(<!-- end -->)", re.DOTALL)

_GROUPS: Final[Mapping[str, Callable[[Word], bool]]] = {
    "once": lambda word: isinstance(word.value, OncePerWindow),
    "inside": lambda word: isinstance(word.value, TimeOf) or word.name == "crontime",
    "dates": lambda word: word in DATE_WORDS,
    "workdays": lambda word: word in WORK_DAY_WORDS,
    "interval": lambda word: word.name == "every",
    "ticks": lambda word: word.name in ("cron", "calendar"),
    "retry": lambda word: word.name == "retry",
    "after": lambda word: word.name.startswith("after_"),
    "happened": lambda word: isinstance(word.value, EventCondition),
    "running": lambda word: isinstance(word.value, Running),
    "constants": lambda word: word.name in ("true", "false", "always", "never"),
}
"""Which words stand in which table; every word that is in none of them is in `others`."""

_FOLLOWERS: Final[Mapping[str, Sequence[Word]]] = {
    "hours": HOURS,
    "numbers": NUMBERS,
    "spans": SPANS,
    "ages": WORDS["running"].follows,
}


def words_of(group: str) -> list[Word]:
    """The words of one table."""
    if group in _FOLLOWERS:
        return [*_FOLLOWERS[group]]
    if group == "others":
        return [word for word in WORDS.values() if not any(belongs(word) for belongs in _GROUPS.values())]
    return [word for word in WORDS.values() if _GROUPS[group](word)]


def groups() -> list[str]:
    """Every table that the page must have; `others` where there are such words."""
    return [*_GROUPS, *_FOLLOWERS, *(["others"] if words_of("others") else [])]


def filled(page: str) -> str:
    """Write the tables of the page anew."""
    return _BLOCK.sub(lambda found: f"{found[1]}{_table(found[2], found[3])}\n{found[4]}", page)


def _table(kind: str, which: str) -> str:
    return "\n".join(_rows(words_of(which)) if kind == "words" else _days(ZoneInfo(which)))


def _days(zone: ZoneInfo) -> Iterator[str]:
    yield f"| condition | {' | '.join(f'{date.fromisoformat(day):%A %-d %B %Y}' for day in CHANGES)} |"
    yield "|---" * (len(CHANGES) + 1) + "|"
    for text in CHANGED:
        yield f"| `{_escaped(text)}` | {' | '.join(on_day(text, day, zone) for day in CHANGES)} |"


def _rows(words: Sequence[Word]) -> Iterator[str]:
    yield "| word | means | example | gives |"
    yield "|---|---|---|---|"
    for word in words:
        set_up = scene(word)
        phrase = f"<br>`{_escaped(word.phrase)}`" if word.phrase and set_up.text == word.example else ""
        yield f"| `{word.name}` | {word.about} | `{_escaped(set_up.text)}`{phrase} | {told(set_up) or 'nothing'} |"


def _escaped(text: str) -> str:
    return text.replace("|", r"\|")
