"""Calls one function and reports the result: the child's side of a `function` task.

It runs as a file under the interpreter that the task names (3.8 or newer), as the task's user, so it needs only the
standard library. The directory of the task comes first in `sys.path`, as with `python -m`. A function may be `async`.
An exception whose class, or a base of it, is named `Inaction` or `TaskInactionException` means that there was nothing
to do.
"""

import asyncio
import importlib
import inspect
import io
import json
import os
import sys
import traceback

REPORT = 3
LONGEST = 32 * 1024
"""In characters: the report must fit into a pipe even if nobody reads it."""
INACTION = {"Inaction", "TaskInactionException"}


def main() -> int:
    os.set_inheritable(REPORT, False)  # noqa: FBT003 - its signature
    request = json.loads(sys.stdin.buffer.read())
    with open(os.devnull) as nothing:  # noqa: PTH123 - for its descriptor
        os.dup2(nothing.fileno(), 0)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)  # as stderr is: lines are passed on at once, and in order
    sys.path[0] = os.getcwd()  # noqa: PTH109 - as `python -m` writes it; it was our own directory
    sys.argv = [request["function"]]
    try:
        call(request["function"], json.loads(request["parameters"]))
    except Exception as error:  # noqa: BLE001 - whatever it raises is its result
        return send_report(error)
    return 0


def call(path: str, parameters: "dict[str, object]") -> None:
    module, _, name = path.partition(":")
    target: object = importlib.import_module(module)
    for part in name.split("."):
        target = getattr(target, part)
    if not callable(target):
        raise TypeError(f"{path} is not callable")
    if inspect.isgeneratorfunction(target) or inspect.isasyncgenfunction(target):
        raise TypeError(f"{path} is a generator function: calling it does not run its body")
    outcome = target(**parameters)
    if inspect.iscoroutine(outcome):
        asyncio.run(outcome)


def send_report(error: Exception) -> int:
    inaction = any(base.__name__ in INACTION for base in type(error).__mro__)
    report = {
        "inaction": inaction,
        "message": sentence(error, inaction)[:1000],
        "exc_text": "" if inaction else shorten(traceback_of(error)),
    }
    os.write(REPORT, json.dumps(report, ensure_ascii=False).encode("utf-8", "backslashreplace"))
    return 0 if inaction else 1


def traceback_of(error: Exception) -> str:
    """Return the traceback without the frames of this file, as the function's author expects it."""
    frames = error.__traceback__
    while frames is not None and frames.tb_frame.f_code.co_filename == __file__:
        frames = frames.tb_next
    return "".join(traceback.format_exception(type(error), error, frames))


def sentence(error: Exception, inaction: bool) -> str:  # noqa: FBT001 - read once, above
    last = str(error) if inaction else list(without_notes(error).format_exception_only())[-1]
    return last.strip().partition("\n")[0]


def without_notes(error: Exception) -> traceback.TracebackException:
    formatted = traceback.TracebackException(type(error), error, None)
    formatted.__notes__ = None  # they would be its last lines
    return formatted


def shorten(text: str) -> str:
    """Keep the beginning and, as it is more informative, more of the end."""
    if len(text) <= LONGEST:
        return text
    return f"{text[: LONGEST // 4]}\n…\n{text[-LONGEST // 2 :]}"


if __name__ == "__main__":
    sys.exit(main())
