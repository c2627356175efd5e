"""`rocketctl`: the administrator's command line. See rocketctl(1)."""

import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from rocketd.cli.asking import with_suggestion
from rocketd.cli.call import Call
from rocketd.cli.exits import Exit, Failure
from rocketd.cli.options import parse
from rocketd.cli.terminal import Terminal
from rocketd.core.errors import RocketdError

# Each verb imports what it needs when it is called: what the others need would double the start-up time.


def _reading(call: Call) -> int:
    from rocketd.cli import reading  # noqa: PLC0415 - as above

    verbs = {
        "list": reading.list_tasks,
        "show": reading.show,
        "history": reading.history,
        "log": reading.log,
        "status": reading.status,
    }
    return verbs[call.choices.verb](call)


def _acting(call: Call) -> int:
    from rocketd.cli import acting  # noqa: PLC0415 - as above

    verbs = {
        "run": acting.run,
        "stop": acting.stop,
        "pause": acting.pause,
        "resume": acting.resume,
        "reload": acting.reload,
    }
    return verbs[call.choices.verb](call)


def _why(call: Call) -> int:
    from rocketd.cli.why import why  # noqa: PLC0415 - as above

    return why(call)


def _explain(call: Call) -> int:
    from rocketd.cli.explaining import explain  # noqa: PLC0415 - as above

    return explain(call)


def _simulate(call: Call) -> int:
    from rocketd.cli.simulating import simulate  # noqa: PLC0415 - as above

    return simulate(call)


def _check(call: Call) -> int:
    from rocketd.cli.checking import check  # noqa: PLC0415 - as above

    return check(call)


def _export(call: Call) -> int:
    from rocketd.cli.exporting import export  # noqa: PLC0415 - as above

    return export(call)


def _prune(call: Call) -> int:
    from rocketd.cli.pruning import prune  # noqa: PLC0415 - as above

    return prune(call)


VERBS: Final[Mapping[str, Callable[[Call], int]]] = {
    **dict.fromkeys(("list", "show", "history", "log", "status"), _reading),
    **dict.fromkeys(("run", "stop", "pause", "resume", "reload"), _acting),
    "export": _export,
    "prune": _prune,
    "why": _why,
    "explain": _explain,
    "simulate": _simulate,
    "check": _check,
}


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
        return int(VERBS[choices.verb](Call(choices, terminal, time.time_ns() // 1000)))
    except Failure as failure:
        raise with_suggestion(failure, choices) from failure.__cause__


if __name__ == "__main__":
    sys.exit(main())
