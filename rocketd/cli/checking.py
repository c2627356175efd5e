"""Problems of task files, from the files themselves or as the daemon tells them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from rocketd.cli.exits import Exit
from rocketd.cli.fields import number, text
from rocketd.cli.show import problem_lines

if TYPE_CHECKING:
    from rocketd.cli.call import Call
    from rocketd.config.problems import Problem
    from rocketd.daemon.wire import Json, JsonObject


def check(call: Call) -> Exit:
    """`rocketctl check [PATH…]`; warnings alone are no failure."""
    from rocketd.cli.offline import problems_of  # noqa: PLC0415 - only this verb always reads the files

    problems, files, tasks = problems_of(call.choices)
    if call.choices.json:
        told: list[Json] = [{**problem.as_json()} for problem in problems]
        call.terminal.json(told)
    else:
        show_problems(call, problems, [_summary(problems, files, tasks)])
    return Exit.FAILED if _errors(problems) else Exit.DONE


def _errors(problems: Sequence[Problem]) -> int:
    return sum(problem.severity == "error" for problem in problems)


def _summary(problems: Sequence[Problem], files: int, tasks: int) -> str:
    errors = _errors(problems)
    found = [_count(errors, "error"), _count(len(problems) - errors, "warning")]
    return f"{_count(files, 'file')}, {_count(tasks, 'task')}: {', '.join(filter(None, found)) or 'no problems'}."


def _count(number_of: int, name: str) -> str:
    if not number_of and name in {"error", "warning"}:
        return ""
    return f"{number_of or 'no'} {name}{'s' * (number_of != 1)}"


def show_problems(call: Call, problems: Sequence[Problem], last: Sequence[str]) -> None:
    """Show each problem as a block of its own, then the last lines."""
    lines = [line for problem in problems for line in [*problem_lines(problem, call.look), ""]]
    call.terminal.show([*lines, *last])


def from_json(told: Iterable[JsonObject]) -> list[Problem]:
    """Make problems again of what the daemon told."""
    from rocketd.config.problems import Problem  # noqa: PLC0415 - only where there are problems

    return [
        Problem(
            file=text(one, "file"),
            line=number(one, "line") or 1,
            column=number(one, "column") or 1,
            task=text(one, "task"),
            severity="warning" if text(one, "severity") == "warning" else "error",
            message=text(one, "message"),
            hint=text(one, "hint"),
            source_line=text(one, "source_line"),
            width=number(one, "width") or 1,
        )
        for one in told
    ]
