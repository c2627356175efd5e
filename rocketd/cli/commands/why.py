"""`rocketctl why`: what tasks wait for, as the daemon, or the files and the store, explain it."""

from __future__ import annotations

from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Final

from rocketd.cli.backend.fallback import remaining_parts, with_suggestion
from rocketd.cli.commands.inspect import ask
from rocketd.cli.context import time_point
from rocketd.cli.exit_codes import ExitCode, Failure
from rocketd.cli.json_fields import instant, objects, text
from rocketd.cli.render import time_format
from rocketd.cli.render.terminal_text import BOLD, FAINT, GREEN, RED, YELLOW, Cell, painted, width
from rocketd.core.escaping import visible
from rocketd.core.explain.tree import MARKS, ExplanationPart, Line, draw
from rocketd.core.instant import BEGINNING, FOREVER, Instant

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rocketd.cli.backend.backend import Backend
    from rocketd.cli.context import Context
    from rocketd.cli.render.tables import RenderOptions
    from rocketd.daemon.json_format import JsonObject

_COLOURS: Final = {True: GREEN, False: RED, None: YELLOW}


def why(call: Context) -> ExitCode:
    """`rocketctl why TASK… | --all`."""
    at = time_point(call.choices.at, call.now) if call.choices.at else None
    show(call, ask(call, lambda source: answers(call, source, at)))
    return ExitCode.DONE


def show(call: Context, found: Iterator[list[JsonObject]]) -> None:
    """Show explanations as they arrive."""
    if call.choices.json:
        call.terminal.json_parts(found)
    else:
        call.terminal.show_parts(_blocks(found, call.look))


def answers(call: Context, source: Backend, at: Instant | None) -> Iterator[list[JsonObject]]:
    """Yield the explanations of the given tasks, or of all, in parts; raises Failure."""
    if not call.choices.every:
        return iter([[_answer(call, source, name, at) for name in call.choices.subjects]])
    parts = source.why_all(at)
    first = next(parts, [])  # the backend that answers this answers all
    return remaining_parts(chain([first], parts))


def _blocks(found: Iterator[list[JsonObject]], look: RenderOptions) -> Iterator[list[str]]:
    """Draw explanations, with an empty line between them."""
    has_output = False
    for part in found:
        lines = [line for answer in part for line in ("", *drawn(answer, look))]
        yield lines if has_output else lines[1:]
        has_output = has_output or bool(part)


def _answer(call: Context, source: Backend, name: str, at: Instant | None) -> JsonObject:
    try:
        return source.why(name, at)
    except Failure as failure:
        raise with_suggestion(failure, call.choices._replace(subject=name)) from failure.__cause__


def drawn(answer: JsonObject, look: RenderOptions) -> list[str]:
    """Draw what the task waits for, and the tree of its condition."""
    title = painted(Cell(visible(text(answer, "waiting_for")), BOLD), colour=look.colour)
    whole = _part(answer)
    alone = len(whole.parts) == 1 and whole.parts[0].condition == whole.condition
    if whole.condition == "false" and " starts at " in text(answer, "waiting_for"):
        return [title]  # an occasion starts it: the condition is only the default
    tree = whole.parts[0] if alone else whole
    zone = _other_zone(text(answer, "timezone"), look)
    note = [painted(Cell(f"times are in {visible(zone)}", FAINT), colour=look.colour)] if zone else []
    drawn_tree = draw(tree, partial(_time, look.now, zone))
    return [title, *note, *(shown for line in drawn_tree for shown in _lines(line, look))]


def _other_zone(zone: str, look: RenderOptions) -> str:
    """Return the zone of the task, and of the sentences, if its clock differs from the reader's; else nothing."""
    if not zone or time_format.offset_in(zone, look.now) in (None, time_format.offset(look.now)):
        return ""
    return zone


def _part(told: JsonObject) -> ExplanationPart:
    holds, since, until = told.get("holds"), instant(told, "since"), instant(told, "until")
    return ExplanationPart(
        visible(text(told, "condition")),
        holds if isinstance(holds, bool) else None,
        BEGINNING if since is None else since,
        FOREVER if until is None else until,
        visible(text(told, "because")),
        tuple(map(_part, objects(told.get("parts")))),
    )


def _lines(line: Line, look: RenderOptions) -> Iterator[str]:
    """Yield a line of the tree; a reason that is too long for the terminal in several, divided at its semicolons."""
    if line.head:
        yield _head(line, look)
        return
    room = FOREVER if look.columns is None else look.columns - width(line.branch)
    for text_line in _divided(line.text, room):
        yield f"{line.branch}{painted(Cell(text_line, FAINT), colour=look.colour)}"


def _divided(sentence: str, room: int) -> Iterator[str]:
    if width(sentence) <= room:
        yield sentence
        return
    shown = ""
    for part in sentence.split("; "):
        joined = f"{shown}; {part}" if shown else part
        if shown and width(joined) > room:
            yield f"{shown};"
            joined = part
        shown = joined
    yield shown


def _head(line: Line, look: RenderOptions) -> str:
    mark = Cell(MARKS[line.part.holds], _COLOURS[line.part.holds])
    return f"{line.branch}{painted(mark, colour=look.colour)} {line.text}"


def _time(now: Instant, zone: str, at: Instant) -> str:
    written = time_format.in_zone(at, zone) if zone else time_format.local(at)
    return f"{written} ({time_format.passed(at, now)})"
