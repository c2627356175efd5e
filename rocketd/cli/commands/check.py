"""Problems of task files, from the files themselves or from the daemon."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from rocketd.cli.exit_codes import ExitCode
from rocketd.cli.json_fields import number, text
from rocketd.cli.render.details import coloured

if TYPE_CHECKING:
    from rocketd.cli.context import Context
    from rocketd.config.problems import Problem, Severity
    from rocketd.daemon.json_format import Json, JsonObject


def check(call: Context) -> ExitCode:
    """`rocketctl check [PATH…]`; warnings alone are no failure."""
    from rocketd.cli.backend.offline import checked  # noqa: PLC0415 - only this verb always reads the files
    from rocketd.config import check_json, check_text  # noqa: PLC0415 - as above

    loaded = checked(call.choices, call.now)
    if call.choices.json:
        answer: list[Json] = [{**problem} for problem in check_json(loaded)]
        call.terminal.json(answer)
    else:
        call.terminal.show(coloured(check_text(loaded), loaded.problems, call.look).split("\n"))
    return ExitCode.DONE if loaded.valid else ExitCode.FAILED


_SEVERITIES: Final[dict[str, Severity]] = {"warning": "warning", "note": "note"}


def from_json(answer: Iterable[JsonObject]) -> list[Problem]:
    """Convert the daemon's JSON back to problems."""
    from rocketd.config.problems import Problem  # noqa: PLC0415 - only where there are problems

    return [
        Problem(
            file=text(one, "file"),
            line=number(one, "line") or 1,
            column=number(one, "column") or 1,
            task=text(one, "task"),
            severity=_SEVERITIES.get(text(one, "severity"), "error"),
            message=text(one, "message"),
            hint=text(one, "hint"),
            source_line=text(one, "source_line"),
            width=number(one, "width") or 1,
            source_column=number(one, "source_column") or 1,
        )
        for one in answer
    ]
