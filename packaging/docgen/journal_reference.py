"""Generates the reference of the journal's fields and message ids.

`python -m docgen.journal_reference > docs/reference/journal-fields.md` writes it anew.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from rocketd.core.messages.message import MessageId
from rocketd.core.model.run import Action, Cause, Trigger

_CATALOG: Final = Path(__file__).parents[2] / "systemd" / "rocketd.catalog"
_SUBJECT: Final = re.compile(r"^-- (?P<id>[0-9a-f]{32})\nSubject: (?P<subject>.*)$", re.MULTILINE)

_PLACEHOLDER: Final = re.compile("@(ROCKETD_[A-Z_]+)@")


def _values(kind: type[Action] | type[Cause] | type[Trigger]) -> str:
    return ", ".join(f"`{one.value}`" for one in kind if one.value)


_INTRODUCTION: Final = """\
# Journal fields

rocketd writes to the journal with structured fields, so that you can search for them with journalctl(1), or with
sd_journal(3); [examples](#examples) are at the end of this page.
The names and values on this page are an interface: they are never given another meaning.

Every entry has `MESSAGE`, `PRIORITY` (3 error, 4 warning, 5 notice, 6 info, 7 debug) and `SYSLOG_IDENTIFIER`:
`rocketd`, or the task's name for a line of its output.
What happened has a `MESSAGE_ID` as well, from the [list below](#message-ids); `journalctl -x` shows its explanation.
Times are in microseconds since 1970-01-01 00:00 UTC, lengths of time in microseconds.
A field that does not apply is absent.
"""

_EXAMPLES: Final = """\
## Examples

One task: its events and its output; the output alone:

```sh
journalctl ROCKETD_TASK=backup
journalctl ROCKETD_TASK=backup ROCKETD_STREAM=stdout
```

One run, by its number, or by the id that `rocketctl history --json` shows:

```sh
journalctl ROCKETD_TASK=backup ROCKETD_NUMBER=7
journalctl ROCKETD_RUN_ID=ID
```

What has failed or was interrupted, of all tasks:

```sh
journalctl ROCKETD_ACTION=fail ROCKETD_ACTION=crash --since yesterday
```

What somebody started by hand, with who it was:

```sh
journalctl ROCKETD_TRIGGER=hand ROCKETD_ACTION=run --output cat
```

All that rocketd and its tasks say, as it comes:

```sh
journalctl --follow SYSLOG_IDENTIFIER=rocketd + ROCKETD_STREAM=stdout + ROCKETD_STREAM=stderr
```

One entry with all its fields:

```sh
journalctl --unit rocketd --output verbose --lines 1
```
"""

_FIELDS: Final = (
    (
        "Runs",
        "An entry about a run has the first eight. A line of output has the task, the run, its number and the stream.",
        (
            ("ROCKETD_TASK", "the task's name"),
            ("ROCKETD_RUN_ID", "the id of the run, unique on all hosts; for missed runs, that of their record"),
            ("ROCKETD_NUMBER", "the number of the run among those of its task, from 1"),
            ("ROCKETD_ATTEMPT", "1 for the first attempt, then one more for each retry"),
            ("ROCKETD_TRIGGER", f"why it started: {_values(Trigger)}"),
            ("ROCKETD_REASON", "the same as a sentence; for missed runs, why they were missed"),
            ("ROCKETD_DUE_USEC", "when it was due"),
            ("ROCKETD_ACTION", f"what happened to it: {_values(Action)}"),
            ("ROCKETD_PID", "its first process"),
            ("ROCKETD_CAUSE", f"what ended it, or kept it from starting: {_values(Cause)}"),
            ("ROCKETD_RUNTIME_USEC", "how long it ran"),
            ("ROCKETD_CPU_USEC", "how much CPU time it has used, where that is known, as with the next three"),
            ("ROCKETD_MEMORY_PEAK", "the most memory that it used at once, in bytes"),
            ("ROCKETD_IO_READ_BYTES", "how much was read from disks for it"),
            ("ROCKETD_IO_WRITTEN_BYTES", "how much was written to disks for it"),
            ("ROCKETD_EXIT_CODE", "the exit code, if it exited"),
            ("ROCKETD_SIGNAL", "the name of the signal that killed it, such as `SIGKILL`"),
            ("ROCKETD_HOOK", "the hook that the entry is about, such as `on_fail`"),
            ("ROCKETD_STREAM", "`stdout` or `stderr`: the entry is a line of the run's output"),
        ),
    ),
    (
        "Missed runs",
        "",
        (
            ("ROCKETD_COUNT", "how many were missed; elsewhere, how many entries were dropped"),
            ("ROCKETD_FIRST_USEC", "when the first of them was due"),
            ("ROCKETD_LAST_USEC", "when the last of them was due"),
        ),
    ),
    (
        "The daemon",
        "",
        (
            ("ROCKETD_FILE", "the task file with a problem"),
            ("ROCKETD_PROBE", "the condition that cannot be observed, or can be again"),
            ("ROCKETD_TASKS", "how many tasks are loaded"),
            ("ROCKETD_PROBLEMS", "how many problems the task files have"),
            ("ROCKETD_STEP_USEC", "by how much the clock was set; negative: back"),
            ("ROCKETD_SUSPENDED_USEC", "how long the host was suspended"),
        ),
    ),
)


def reference() -> str:
    """Return the page, in Markdown."""
    return "\n".join([_INTRODUCTION, *_fields(), *_message_ids(), "", _EXAMPLES.rstrip(), ""])


def field_names() -> list[str]:
    """Return the fields that the page explains."""
    return [name for _, _, fields in _FIELDS for name, _ in fields]


def _fields() -> Iterator[str]:
    for title, sentence, fields in _FIELDS:
        yield f"## {title}\n"
        if sentence:
            yield f"{sentence}\n"
        yield "| field | value |"
        yield "|---|---|"
        for name, meaning in fields:
            yield f"| `{name}` | {meaning} |"
        yield ""


def _message_ids() -> Iterator[str]:
    subjects = {found["id"]: found["subject"] for found in _SUBJECT.finditer(_CATALOG.read_text(encoding="utf-8"))}
    yield "## Message ids\n"
    yield "| `MESSAGE_ID` | what it says |"
    yield "|---|---|"
    for one in MessageId:
        subject = _PLACEHOLDER.sub(r"`\1`", subjects[one.value])
        yield f"| `{one.value}` | {subject} |"


if __name__ == "__main__":  # pragma: no cover - a test compares the page
    print(reference(), end="")  # noqa: T201 - for a file
