"""`rocketctl`: the administrator's command line. See rocketctl(1)."""

import gc
import os
import sys
import time
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Final

from rocketd.cli.context import Context
from rocketd.cli.exit_codes import ExitCode, Failure
from rocketd.cli.parser import parse
from rocketd.cli.render.terminal import Terminal
from rocketd.core.errors import RocketdError

VERBS: Final = {
    "list": "list_tasks.list_tasks",
    "show": "inspect.show",
    "history": "inspect.history",
    "log": "inspect.log",
    "status": "inspect.status",
    "export": "export.export",
    "prune": "prune.prune",
    "why": "why.why",
    "explain": "explain.explain",
    "simulate": "simulate.simulate",
    "calendar": "calendar.calendar",
    "run": "operate.run",
    "stop": "operate.stop",
    "pause": "operate.pause",
    "resume": "operate.resume",
    "reload": "operate.reload",
    "check": "check.check",
    "stats": "stats.stats",
    "timeline": "timeline.timeline",
    "edit": "edit.edit",
    "new": "edit.new",
    "health": "health.health",
    "metrics": "metrics.metrics",
    "web": "web.web",
    "import": "import_tasks.import_tasks",
    "fleet": "fleet.fleet",
}
"""The module and function of each verb, imported on demand: all of them would double the start-up time."""
_COLLECTED_AFTER: Final = 200_000
"""How many new objects it takes until Python looks for garbage: what imports make is none, and to look costs a tenth
of the start-up time."""
NAGIOS_PLUGIN: Final = "check_rocketd"
"""By this name, the program is a plugin as Nagios expects it."""


def verb(name: str) -> Callable[[Context], int]:
    """Import the function of a verb."""
    module, function = VERBS[name].split(".")
    run_verb: Callable[[Context], int] = getattr(import_module(f"rocketd.cli.commands.{module}"), function)
    return run_verb


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    gc.set_threshold(_COLLECTED_AFTER)
    try:
        return _exit_code(_arguments() if arguments is None else arguments)
    finally:
        gc.freeze()  # Python would look through all of it at the end, several times: a sixth of the time of a verb


def _exit_code(given: Sequence[str]) -> int:
    _fill_streams()
    try:
        return _dispatch(given)
    except RocketdError as error:
        if next((word for word in given if word in VERBS), "") == "health":  # whose exit codes are those of Nagios
            from rocketd.cli.nagios import report_unknown  # noqa: PLC0415 - as below

            return report_unknown(error)
        quoted = error.quoted if isinstance(error, Failure) else ()
        Terminal(os.environ).error(error.message, error.hint, quoted)
        return error.code if isinstance(error, Failure) else ExitCode.FAILED
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED


def _arguments() -> Sequence[str]:
    """Return those of the command line; a link of the name of a Nagios plugin is the verb `health`."""
    plugin = os.path.basename(sys.argv[0]) == NAGIOS_PLUGIN  # noqa: PTH119 - a string in, a string out
    return [*(["health"] if plugin else []), *sys.argv[1:]]


def _fill_streams() -> None:
    """Replace closed standard streams, which Python leaves out."""
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - for the rest of the process
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - as above


def _dispatch(arguments: Sequence[str]) -> int:
    choices = parse(arguments)
    if choices.host is not None:
        from rocketd.cli.remote import run_remotely  # noqa: PLC0415 - few calls need it

        return run_remotely(choices.host, arguments)
    terminal = Terminal(os.environ, pager=not choices.no_pager)
    try:
        return int(verb(choices.verb)(Context(choices, terminal, time.time_ns() // 1000)))
    except Failure as failure:
        from rocketd.cli.backend.fallback import with_suggestion  # noqa: PLC0415 - most calls do not fail

        raise with_suggestion(failure, choices) from failure.__cause__


if __name__ == "__main__":
    sys.exit(main())
