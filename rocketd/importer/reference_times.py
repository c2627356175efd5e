"""When an entry starts where it is now, as others reckon it: croniter or cronsim, and `systemd-analyze calendar`."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, NamedTuple

from rocketd.core.instant import SECOND, Instant

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST: Final = 10_000
"""How many times of an entry to compare."""
_TIMEOUT: Final = 300
_INSTALL: Final = "install python3-croniter to compare"

_PROGRAM: Final = """
import json, sys
from datetime import datetime
try:
    from croniter import croniter
    import inspect
    known = inspect.signature(croniter.__init__).parameters
    rule = {"implement_cron_bug": True} if "implement_cron_bug" in known else {}
    def times(line, begin):
        one = croniter(line, begin, **rule)
        while True:
            yield one.get_next(datetime)
    by = "croniter"
except ImportError:
    from cronsim import CronSim
    def times(line, begin):
        yield from CronSim(line, begin)
    by = "cronsim"
asked = json.load(sys.stdin)
answers = []
for line, begin, end in asked["lines"]:
    found = []
    end = datetime.fromisoformat(end)
    try:
        for time in times(line, datetime.fromisoformat(begin)):
            if time >= end or len(found) >= asked["most"]:
                break
            found.append(time.isoformat())
    except Exception as error:
        found = str(error)
    answers.append(found)
json.dump({"by": by, "answers": answers}, sys.stdout)
"""


class CronQuestion(NamedTuple):
    """A cron line, and the span in the wall time of its zone."""

    line: str
    begin: datetime
    end: datetime


class CronAnswers(NamedTuple):
    """What another implementation says: by which one, and for each line the times or why there are none."""

    by: str
    times: list[list[datetime] | str]


def cron_times(questions: Sequence[CronQuestion]) -> CronAnswers:
    """Ask croniter or cronsim, in whichever Python has one of them."""
    asked = {"lines": [(one.line, str(one.begin), str(one.end)) for one in questions], "most": MOST}
    for python in dict.fromkeys((sys.executable, "/usr/bin/python3")):
        try:
            answer = _run([python, "-c", _PROGRAM], json.dumps(asked))
        except (OSError, subprocess.SubprocessError):
            continue
        read = json.loads(answer)
        return CronAnswers(
            read["by"],
            [
                one if isinstance(one, str) else [datetime.fromisoformat(time) for time in one]
                for one in read["answers"]
            ],
        )
    return CronAnswers("", [_INSTALL for _ in questions])


def calendar_times(line: str, begin: Instant, end: Instant) -> list[Instant] | str:
    """Ask systemd; a text says why there is no answer."""
    program = shutil.which("systemd-analyze")
    if program is None:
        return "there is no systemd-analyze"
    at = datetime.fromtimestamp(begin // SECOND, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    try:
        answer = _run([program, "calendar", f"--base-time={at}", f"--iterations={_count(line)}", line], "")
    except (OSError, subprocess.SubprocessError) as error:
        return f"systemd-analyze has no answer: {error}"
    return [one for one in _calendar_answer(answer) if begin < one < end]


def _count(line: str) -> int:
    """How many times to ask for: few of what is yearly, as the search takes its time."""
    return MOST if re.search(r":|hourly|minutely", line) else 400


def _calendar_answer(text: str) -> list[Instant]:
    found: dict[str, Instant] = {}
    name = ""
    for line in text.split("\n"):
        label, _, rest = line.strip().partition(": ")
        name = label if label == "Next elapse" or label.startswith(("Iteration", "Iter.")) else name
        if (time := re.search(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)(?:\.\d+)? UTC", rest)) and name:
            stamp = datetime.strptime(time[1], "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
            found[name] = round(stamp.timestamp()) * SECOND
    return list(found.values())


def _run(words: list[str], text: str) -> str:
    done = subprocess.run(  # noqa: S603 - programs of the host, with arguments of our own
        words,
        input=text,
        capture_output=True,
        text=True,
        timeout=_TIMEOUT,
        check=True,
        env={**os.environ, "LC_ALL": "C"},
    )
    return done.stdout
