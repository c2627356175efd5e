"""The tutorial, followed to the letter in a booted Debian."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from support.machines.administrator import RELOADED, await_end
from support.machines.machine import Machine

PAGE = Path(__file__).parents[2] / "docs" / "tutorial" / "first-tasks.md"
STEP = re.compile(
    r"^```(?P<kind>toml|sh|text)\n(?P<text>.*?)^```$|^<!-- wait: (?P<task>\S+) (?P<action>\S+) -->$",
    re.DOTALL | re.MULTILINE,
)
MONTHS = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"
CHANGING = re.compile(rf"\d|^(Mon|Tue|Wed|Thu|Fri|Sat|Sun|{MONTHS}|ago|now|\(on|in)$")


class Step(NamedTuple):
    kind: str
    text: str


def steps() -> Iterator[Step]:
    for found in STEP.finditer(PAGE.read_text()):
        yield Step("wait", found["task"]) if found["kind"] is None else Step(found["kind"], found["text"])


def test_the_tutorial_says_what_happens(machine: Machine) -> None:
    """What says when, how long or how much may differ: whatever contains a digit, and words that belong to instants."""
    output = ""
    for step in steps():
        match step.kind:
            case "toml":
                machine.write(step.text.split()[1], step.text)
            case "sh":
                reloads = len(machine.journal(RELOADED))
                output = machine.sh(step.text)
                if "systemctl reload" in step.text:
                    machine.await_journal(RELOADED, count=reloads + 1)
            case "wait":
                await_end(machine, step.text)
            case _:
                assert missing(step.text, output) == []
    assert machine.sh("rocketctl list --json").strip() == "[]"


def missing(expected: str, output: str) -> list[str]:
    """The lines that are not in the output."""
    shown = {fixed(line) for line in output.splitlines()}
    return [line for line in expected.splitlines() if not any(fixed(line) <= line_shown for line_shown in shown)]


def fixed(line: str) -> frozenset[str]:
    """The words of a line that are the same each time."""
    return frozenset(word for word in line.split() if not CHANGING.search(word))
