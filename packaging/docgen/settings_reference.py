"""Generates the reference of all settings from their tables."""

from collections.abc import Iterator, Mapping
from typing import Final

from rocketd.config.setting import Section, Setting
from rocketd.config.settings import SETTINGS

_INTRODUCTION: Final = """\
# Settings

This page lists all keys of task files and of `rocketd.toml`.
It is generated from the tables that the program itself uses; `rocketctl check` reports everything that does not fit.

A *duration* is a time span of systemd.time(7) in quotes: `"10s"`, `"5 min"`, `"2h 30min"`, `"1 week"`.
A *size* is a number of bytes, or a number with a unit in quotes: `"16 KiB"`, `"1G"`; units are powers of 1024.

## Files

Task files are `*.toml` in `/usr/lib/rocketd/tasks` (of packages), `/run/rocketd/tasks` (until the next boot) and
`/etc/rocketd` (the administrator's). They are read in the order of their names, across all three directories.
Of several files with the same name, the one in `/etc` takes precedence, then the one in `/run`.
An empty file, or a link to `/dev/null`, hides the other files of its name; no other links are followed.
`--config-dir` replaces these directories; if it is given several times, later ones take precedence.

A file and its directory must belong to root or to the daemon's own user, and be writable by nobody else.
Otherwise the file is not read.

A file is loaded as a whole.
If it has an error, none of its tasks is loaded; at a reload, the tasks of its last good version stay.
Other files are not affected.

Something that the host lacks is not an error of the file: it affects only the tasks that need it.
A task whose user or group does not exist is not loaded. If its time zone, its file or the name service does not
answer, a task stays as it was last loaded.
Three rules apply across files. Of two tasks with the same name, the first is loaded. A task whose condition names a
task that is not loaded is loaded, and that part of the condition is unknown. Of tasks that would start each other for
ever, one is not loaded.
"""

_PROLOGUES: Final[Mapping[Section, str]] = {
    Section.TASK: """\
In any task file.
The name of a task is 1 to 128 letters, digits, `.`, `_` and `-`; it begins with a letter or a digit.
A task needs a `command` or a `function`; everything else has a default.

`[defaults]` sets defaults for the tasks of its file. It takes the same keys, except those marked †.
""",
    Section.ROCKETD: "Only in `/etc/rocketd/rocketd.toml`: the daemon itself.\n",
    Section.STORE: """\
Only in `rocketd.toml`: where runs are recorded (see [records elsewhere](../how-to/store-elsewhere.md)), and how long
the records are kept. The daemon reads it when it starts.
""",
    Section.FLEET: """\
Only in `rocketd.toml`: one history and one view of several hosts (see
[several hosts](../how-to/several-hosts.md)). Without `url`, `host` and `tags` only serve the `hosts` of tasks.
""",
    Section.MAIL: """\
Only in `rocketd.toml`: mail about runs (see [mail](../how-to/mail.md)).
Without this table no mail is sent.
""",
    Section.CALENDAR: """\
Only in `rocketd.toml`: what `workday` and `holiday` mean (see [working days](../how-to/working-days.md)).
`[calendar.default]` is meant where a condition names no calendar; `workday("nyse")` asks `[calendar.nyse]`.
""",
    Section.TASK_MAIL: """\
In any task file, also as `[defaults.mail]`: overrides `[mail]` for one task.
`on = []` turns mail off.
""",
    Section.HOOKS: """\
Only in `rocketd.toml`: [hooks](../how-to/notifications.md) of all tasks.
A hook runs with the rights of the task that it is about, also if it is written here.
""",
    Section.WEBHOOK: """\
Only in `rocketd.toml`: a URL that gets JSON about the runs of all tasks (see
[webhooks](../how-to/notifications.md#webhooks)). There can be several, each with a name of its own.
""",
    Section.HTTP: "Only in `rocketd.toml`: how pings, webhooks and the heartbeat are sent.\n",
    Section.METRICS: "Only in `rocketd.toml`: [metrics](../how-to/monitoring.md) for Prometheus.\n",
    Section.HEARTBEAT: """\
Only in `rocketd.toml`: so that somebody notices when the daemon or the host is down (see
[pings](../how-to/notifications.md#pings)).
""",
}


def reference() -> str:
    """Return the page, in Markdown."""
    return "\n".join([_INTRODUCTION, *(part for section in _PROLOGUES for part in _section(section)), _LOGGING])


_LOGGING: Final = """\
## `[logging]`

Only in `rocketd.toml`: a configuration for Python's `logging.config.dictConfig`, in addition to the journal.
Events of runs go to the logger `rocketd.task`, all others to `rocketd.scheduler` (see
[logging](../how-to/logging.md)).
`version = 1` and `disable_existing_loggers = false` are the defaults.
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
