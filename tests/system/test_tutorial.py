"""The tutorial, and the first task of README, followed to the letter in a booted Debian."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from support.machines.administrator import RELOADED, await_end
from support.machines.machine import Machine

TOP = Path(__file__).parents[2]
PAGE = TOP / "docs" / "tutorial" / "first-tasks.md"
STEP = re.compile(
    r"^```(?P<kind>toml|sh|text)\n(?P<text>.*?)^```$|^<!-- wait: (?P<task>\S+) (?P<action>\S+) -->$",
    re.DOTALL | re.MULTILINE,
)
MONTHS = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"
CHANGING = re.compile(rf"\d|^(Mon|Tue|Wed|Thu|Fri|Sat|Sun|{MONTHS}|ago|now|\(on|in)$")


class Step(NamedTuple):
    kind: str
    text: str


def steps(text: str) -> Iterator[Step]:
    for found in STEP.finditer(text):
        yield Step("wait", found["task"]) if found["kind"] is None else Step(found["kind"], found["text"])


def test_the_tutorial_says_what_happens(machine: Machine) -> None:
    """What says when, how long or how much may differ: whatever contains a digit, and words that belong to instants."""
    output = ""
    for step in steps(PAGE.read_text()):
        match step.kind:
            case "toml":
                machine.write(step.text.split()[1], step.text)
            case "sh":
                output = typed(machine, step.text)
            case "wait":
                await_end(machine, step.text)
            case _:
                assert missing(step.text, output) == []
    assert machine.sh("rocketctl list --json").strip() == "[]"
    task, commands = steps((TOP / "README.md").read_text().partition("## A first task\n")[2])
    machine.write(task.text.split()[1], task.text)
    check, load, *look = commands.text.splitlines()
    assert "1 task, no problems" in typed(machine, f"{check}\n{load}")
    assert "Hello" in typed(machine, "\n".join(look))


def typed(machine: Machine, commands: str) -> str:
    """What the commands print; what they load is loaded then."""
    reloads = len(machine.journal(RELOADED))
    output = machine.sh(commands)
    if "systemctl reload" in commands:
        machine.await_journal(RELOADED, count=reloads + 1)
    return output


def missing(expected: str, output: str) -> list[str]:
    """The lines that are not in the output."""
    shown = {fixed(line) for line in output.splitlines()}
    return [line for line in expected.splitlines() if not any(fixed(line) <= line_shown for line_shown in shown)]


def fixed(line: str) -> frozenset[str]:
    """The words of a line that are the same each time."""
    return frozenset(word for word in line.split() if not CHANGING.search(word))
