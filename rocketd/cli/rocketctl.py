"""`rocketctl`: the administrator's command line. See rocketctl(1)."""

import os
import sys
import time
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Final

from rocketd.cli.asking import with_suggestion
from rocketd.cli.call import Call
from rocketd.cli.exits import Exit, Failure
from rocketd.cli.options import parse
from rocketd.cli.terminal import Terminal
from rocketd.core.errors import RocketdError

VERBS: Final = {
    "list": "reading.list_tasks",
    "show": "reading.show",
    "history": "reading.history",
    "log": "reading.log",
    "status": "reading.status",
    "export": "exporting.export",
    "prune": "pruning.prune",
    "why": "why.why",
    "explain": "explaining.explain",
    "simulate": "simulating.simulate",
    "run": "acting.run",
    "stop": "acting.stop",
    "pause": "acting.pause",
    "resume": "acting.resume",
    "reload": "acting.reload",
    "check": "checking.check",
}
"""What does it, by its module and name here: what the other verbs need would double the start-up time."""


def verb(name: str) -> Callable[[Call], int]:
    """Import what does that verb."""
    module, function = VERBS[name].split(".")
    done: Callable[[Call], int] = getattr(import_module(f"rocketd.cli.{module}"), function)
    return done


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says, and give back the exit code."""
    _fill_streams()
    try:
        return _do(sys.argv[1:] if arguments is None else arguments)
    except RocketdError as error:
        quoted = error.quoted if isinstance(error, Failure) else ()
        Terminal(os.environ).error(error.message, error.hint, quoted)
        return error.code if isinstance(error, Failure) else Exit.FAILED
    except KeyboardInterrupt:
        return Exit.INTERRUPTED


def _fill_streams() -> None:
    """Whoever started us may have closed them; Python then has none."""
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - for the rest of the process
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - as above


def _do(arguments: Sequence[str]) -> int:
    choices = parse(arguments)
    terminal = Terminal(os.environ, pager=not choices.no_pager)
    try:
        return int(verb(choices.verb)(Call(choices, terminal, time.time_ns() // 1000)))
    except Failure as failure:
        raise with_suggestion(failure, choices) from failure.__cause__


if __name__ == "__main__":
    sys.exit(main())
