"""Runs and task files for tests that need some and do not care which."""

from typing import Final

from rocketd.core.instant import SECOND, Instant
from rocketd.core.model.events import Finished, Started
from rocketd.core.model.records import Change
from rocketd.core.model.run import Action, Cause, End, Run, Trigger

NOW: Final[Instant] = 1_790_000_000 * SECOND


def run(number: int) -> Run:
    """Return a scheduled run, due at `NOW`."""
    return Run("backup", number, f"id-{number}", 1, NOW, NOW + number, Trigger.SCHEDULE, "daily")


def failed_run(number: int) -> list[Change]:
    """Return the start and the end of a run whose record has something in every field."""
    end = End(Action.FAIL, Cause.TIMEOUT, NOW + number + 1, 3, 15, "could not", "Traceback", "line 1\nline 2", 7)
    return [Started(run(number)), Finished(run(number), end)]


def shell_task(name: str, command: str = "true", more: str = "", *, when: str = "daily") -> str:
    """Return the text of a task that runs a shell command; `more` are further lines."""
    return f"[task.{name}]\nshell = true\ncommand = '''{command}'''\nwhen = '''{when}'''\n{more}\n"
