"""The reference of all settings, made from their table."""

from collections.abc import Iterator, Mapping
from typing import Final

from rocketd.config.setting import Section, Setting
from rocketd.config.settings import SETTINGS

_INTRODUCTION: Final = """\
# Settings

Every key that a task file may hold.
This page is made from the table that the program reads by; `rocketctl check` finds what does not fit.

A *duration* is a time span of systemd.time(7) in quotes: `"10s"`, `"5 min"`, `"2h 30min"`, `"1 week"`.
A *size* is a number of bytes, or a number with a unit in quotes: `"16 KiB"`, `"1G"`; units are powers of 1024.

## Files

Task files are `*.toml` in `/usr/lib/rocketd/tasks` (of packages), `/run/rocketd/tasks` (until the next boot) and
`/etc/rocketd` (the administrator's), read in the order of their names over all three.
Of several files with the same name the one in `/etc` counts, or else the one in `/run`.
A file that is empty, or a link to `/dev/null`, only hides those of its name; other links are not followed.
With `--config-dir`, which may be given several times, other directories take their place; the last one wins.

A file and its directory must belong to root or to the daemon's own user, and be writable by nobody else.
Otherwise the file is not read.

A file is one piece.
If anything in it is wrong, none of its tasks is loaded; at a reload, those of its last good version stay.
Other files go on.

What the host lacks is no mistake of the file: it keeps back only the tasks that need it.
A task whose user or group is not there is not loaded; one whose time zone, file or name service does not answer stays
as it was loaded last.
Between files: of two tasks with the same name the first stays; a task whose condition names one that is not loaded
stays, and that word is unknown; of tasks that start each other for ever one is kept back.
"""

_PROLOGUES: Final[Mapping[Section, str]] = {
    Section.TASK: """\
In any task file.
The name of a task is 1 to 128 letters, digits, `.`, `_` and `-`; it begins with a letter or a digit.
A task needs a `command` or a `function`; everything else has a default.

`[defaults]` gives defaults to the tasks of its file; it takes the same keys but those marked †.
""",
    Section.ROCKETD: "In `/etc/rocketd/rocketd.toml` alone: the daemon itself.\n",
    Section.STORE: """\
In `rocketd.toml` alone: where runs are recorded, as [records elsewhere](../how-to/store-elsewhere.md) shows, and how
long they are kept. Read at the daemon's start.
""",
    Section.MAIL: """\
In `rocketd.toml` alone: mail about runs, as [mail](../how-to/mail.md) shows.
Without this table no mail is sent.
""",
    Section.TASK_MAIL: """\
In any task file, also as `[defaults.mail]`: what of `[mail]` is different for one task.
`on = []` is no mail at all.
""",
}


def reference() -> str:
    """Write the page, in Markdown."""
    return "\n".join([_INTRODUCTION, *(part for section in _PROLOGUES for part in _section(section)), _LOGGING])


_LOGGING: Final = """\
## `[logging]`

In `rocketd.toml` alone: a configuration for Python's `logging.config.dictConfig`, on top of the journal.
Events of runs are records of the logger `rocketd.task`, all else of `rocketd.scheduler`, as
[logging](../how-to/logging.md) shows.
`version = 1` and `disable_existing_loggers = false` may be left out.
"""


def _section(section: Section) -> Iterator[str]:
    yield f"## `[{section}]`\n"
    yield _PROLOGUES[section]
    yield "| key | takes | default | meaning |"
    yield "|---|---|---|---|"
    yield from map(_row, SETTINGS[section].values())
    yield ""


def _row(setting: Setting[object]) -> str:
    mark = "" if setting.shared else " †"
    only = f" Only with `{setting.only}`." if setting.only else ""
    return f"| `{setting.key}`{mark} | {setting.kind.name} | {setting.shown} | {setting.meaning}{only} |"


if __name__ == "__main__":  # pragma: no cover - a test compares the page
    print(reference(), end="")  # noqa: T201 - for a file
