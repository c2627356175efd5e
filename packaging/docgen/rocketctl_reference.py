"""Generates the reference page, the man page and the completions of `rocketctl` from its table of verbs.

`python -m docgen.rocketctl_reference TOP` writes them below the top of a source tree.
"""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from docgen import roff, shell_completions
from docgen.condition_reference import PAGES, filled

from rocketd.cli.command_table import GLOBAL, OFFLINE, VERBS
from rocketd.cli.command_types import OptionKind, Verb, VerbArgument, VerbOption
from rocketd.cli.render.terminal_text import joined

INTRODUCTION: Final = (
    "`rocketctl` controls rocketd through its control socket. "
    f"If no daemon is running, {joined((f'`{name}`' for name in OFFLINE), 'and')} "
    "answer from the task files and the store; the other verbs exit with 3.\n"
    "With `-H HOST`, ssh(1) runs the same command line on another host, in the environment and with the files of that "
    "host; the exit code is that of `rocketctl` there, or 255 if ssh cannot connect."
)

NOTES: Final[Mapping[str, Sequence[str]]] = {
    "list": (
        "Below 110 columns, NEXT is short, and LAST says how long ago the newest run started; from 110 columns on,",
        "there is WHEN as well, and from 150 on all times are in full.",
        "`list 'db-*' tag:night` shows the tasks that a pattern or a tag is about. Of `--failed`, `--running` and",
        "`--paused`, one is enough; `--tag` and `--file` narrow that.",
        "NEXT is the expected start of a task, with its splay. An event can change it.",
        "For a task that is paused until a given time, it is the first start after that.",
        "A dash means that only an event, such as the end of another task, can make the task due.",
        "If the start also depends on a probe, LEFT names it: `in 45min if load_below(2.0)`,",
        "or `when load_below(2.0) holds` if the task waits for nothing else.",
        "`--json` has these conditions as `next_if` and `now_if`.",
        "A task that runs at an occasion has `on boot` in WHEN, and `next boot`, `next start` or `at shutdown` in LEFT",
        "unless an earlier start is known.",
        "RESULT shows how the newest run ended: an action, `running`, or `open` for a run whose daemon is gone.",
        "Below the table, `list` names the files that are not loaded, how many of their tasks are missing, and why.",
        "Every other verb says the same about such a task.",
        "With `--fleet`, the daemon asks the database of `[fleet]` for the tasks of all hosts.",
        "What they show is up to a third of a lease old; when a host starts a task that is not heard of, nobody knows.",
    ),
    "health": (
        "`health` prints one line with perfdata, and then a line for each task that is not in order.",
        "It exits with 0 (OK), 1 (WARNING), 2 (CRITICAL) or 3 (UNKNOWN), as plugins of Nagios do.",
        "A task is bad if it has failed and not succeeded since, or if it is overdue by its `max_age` or `--max-age`.",
        "A task that is paused or disabled is in order. Without a daemon the state is CRITICAL;",
        "a degraded daemon, and problems in task files, are a WARNING.",
    ),
    "metrics": (
        "`metrics` needs the library prometheus_client, which the packages for hosts contain.",
        "`--textfile` is for the textfile collector of node_exporter; `[metrics]` in `rocketd.toml` does the same each",
        "minute. The names are in [monitoring](../how-to/monitoring.md).",
    ),
    "history": (
        "`history` shows at most 100 runs, or as many as `--limit` allows.",
        "If there are more, a note on standard error says so.",
        "Consecutive missed runs are one line, without a number.",
        "With `--fleet`, the daemon asks the database of `[fleet]` for the runs of all hosts.",
        "HOST has `~` and the beginning of an id if another state directory counted the run than the one that",
        "the host has now, as with the original of a cloned machine.",
    ),
    "fleet": (
        "LEASE is for how long the last sign of life of a host counts, or since when it is not heard of.",
        "CLOCK is how far the clock of a host is ahead of that of the database.",
        "NOTE has the tags of a host, and those of its tasks that are not as on most of the other hosts.",
        "`fleet sql` prints the tables, roles and policies for psql(1).",
        "`fleet upgrade` makes what is missing of the tables, in the database of `[fleet]` or in that of the URL.",
        "Both are for the owner of the tables, and need no daemon.",
    ),
    "export": (
        "Each run is an object with the keys of `show RUN --json`, or a line of CSV with the same columns.",
        "An export that breaks off exits with 1.",
    ),
    "prune": (
        "`keep` in `[store]`, or `--before`, decides which records are old.",
        "Records that conditions still need stay in any case, for example the newest run of each task.",
        "If no daemon is running, `rocketctl` takes the daemon's lock and deletes the records itself.",
        "The database file does not shrink: new records reuse the space.",
    ),
    "log": (
        "`log` runs journalctl(1) with `ROCKETD_TASK=` or `ROCKETD_RUN_ID=`.",
        "Without a journal it prints the end of the output, which the run's record keeps.",
        "If you may not read the journal, it shows the end of the output of the last 20 runs, as the daemon has it.",
    ),
    "why": (
        "For each part of the condition, `why` shows whether it holds (`?`: unknown), the reason, since when,",
        "and until when that stays so unless an event occurs.",
        "The sentences use the time zone of the task; if that is not yours, a line says so.",
        "`--at` with a time in the past uses the run log as of then, with up to 2000 runs of each task.",
    ),
    "explain": (
        "`explain` assumes a task without a past that is never busy and whose runs succeed at once.",
        "A cron or calendar line starts nothing when the task is first loaded.",
        "Other tasks in the condition are assumed to exist, and no events of theirs occur.",
        "The host is assumed to boot when the task is first loaded, and at each `--boot`.",
        "`--splay '8 h'` adds a splay: the starts are those of this host, for a task of the name that `--task` gives.",
        "If the condition has a mistake, `explain` shows it with a caret under the place, and exits with 1.",
    ),
    "simulate": (
        "If there is a store, tasks continue from its records, and a run takes the median of the task's last runs.",
        "Without a store, or from a time in the past, tasks are first loaded at that time, and a run takes a second.",
        "Probes such as `path_exists` stay unknown, so tasks that need them are not shown.",
    ),
    "calendar": (
        "`calendar make DE-BY 2026..2028` writes the public holidays of Bavaria to standard output, one in each line;",
        "a number of years, `3`, counts from this year on. It needs the Python library holidays.",
        "`calendar show` lists the calendars of `rocketd.toml`, `calendar show nyse 2027` the days of one in a year.",
    ),
    "stats": (
        "OK is the part of the runs that succeeded, or had nothing to do. MEDIAN and P95 are about these runs;",
        "TREND is by how much the newer half of them takes longer than the older half.",
        "Runs that a planned stop interrupted do not count. NEWEST RUNS draws each by how long it took.",
        "`--json` has all figures, in seconds.",
    ),
    "timeline": (
        "Each cell shows the most important of what happened in it. The last row counts the runs that are active at",
        "once. Expected starts are simulated, from the files and the records if you may read them; otherwise each task",
        "has its next start.",
    ),
    "run": (
        "With several tasks, `run`, `stop`, `pause` and `resume` ask before they begin; `--yes` answers. Where one",
        "fails, the others follow all the same. Patterns and `--all` mean running tasks for `stop`, paused ones for",
        "`resume`. With `--wait`, one task runs after another.",
        "The task starts whatever its condition says, even if it is paused; mutexes and `max_running` still apply.",
        "The run does not count for the schedule of the task, except with `--as-scheduled`.",
        "With `--exit-code`, `rocketctl` exits with 128 plus the number of the signal if a signal ended the run.",
        "Ctrl-C ends the waiting, not the run.",
    ),
    "stop": (
        "All processes of the run get SIGTERM, and after the task's `kill_grace` SIGKILL.",
        "A stopped run counts as done: whatever was due until then does not start again, and no retry follows.",
    ),
    "resume": ("The task does not make up for ticks during the pause, but it starts in a window that is still open.",),
    "check": (
        "`check` exits with 1 for errors, not for warnings.",
        "It warns of tasks that would start again after each end for as long as an hour or a state lasts, unless they",
        "set `restart_delay`, and of tasks that never start by themselves, or not within two years.",
        "It also warns of more than 20 tasks at one moment, of a command that talks to a network without a timeout, of",
        "an upgrade that could end its own run, and of a command that still stands in a crontab or timer of this host.",
        "`ignore_warnings` in a task silences such a warning.",
        "It also lists the tasks that start at once if they are new.",
        "A given file may refer to tasks that are installed already, so you can check it before you install it.",
        "With `--diff`, `check` also shows what the given files change in the installed ones: new, changed and removed",
        "tasks, and their next starts before and after. A file replaces those of its name or with tasks of its names.",
        "So `rocketctl check --diff %s` suits the `validate:` of Ansible.",
    ),
    "edit": (
        "`edit` opens a copy in SUDO_EDITOR, VISUAL or EDITOR, checks it, and shows what changes: the text, the",
        "settings of each task, and its next starts before and after. Then it asks, installs the file in one step with",
        "the owner and mode that it had, and has the daemon load it. A file with errors is not installed.",
        "A file of a package is left alone: the edited one is installed in `/etc/rocketd` under the same name.",
        "If you quit, your version is kept, and `edit` says where.",
    ),
    "new": ("`new` begins with a short task, in a file of that name in `/etc/rocketd`.",),
    "import": (
        "`import` reads crontab(5) of Vixie cron and cronie, anacrontab(5), and timers with their services.",
        "Each task stands below the lines that it comes from; comments say what is not the same and what has no",
        "equivalent. What cannot be imported is a comment as well, and makes it exit with 1.",
        "A service that does what a task cannot say becomes a task that runs `systemctl start`.",
        "Of a directory, only what cron itself would read is imported: no links, no tables that belong to somebody",
        "else, none that others may write to; each that is left out is named. What only its owner could read",
        "becomes a file that only its owner can read.",
        "With `--compare`, others reckon the old times: croniter or cronsim if a Python of the host has one, and",
        "`systemd-analyze calendar`; up to 10,000 times of each entry. All times are those of this host; where an",
        "entry has a zone of its own (`CRON_TZ`), the time there stands below the table.",
        "A difference without a reason makes it exit with 1.",
        "`--disable` turns entries of crontabs into comments that begin with `#rocketd#`, and disables timers,",
        "masks those that cannot be disabled, or gives them a condition that never holds if they are in",
        "`/etc/systemd/system`. `--undo`, with the same sources, brings them back.",
        "No file is overwritten.",
    ),
    "reload": (
        "Like `systemctl reload rocketd`, but it prints the problems, and exits with 1 if there are errors.",
        "Files without errors are loaded in any case; a file with errors keeps its last good tasks.",
    ),
}

TIMES: Final = (
    "A TIME is `2h ago`, `in 2h`, `now`, `yesterday`, `today 10:00`, `tomorrow`, `10:00`, `2026-11-24`, "
    "`2026-11-24 10:00`, `2026-11-24T10:00:00+01:00` or `@1795514400`, as in systemd.time(7). "
    "A time without a zone is in the zone of the terminal: TZ, else the host's."
)
RUNS: Final = (
    "A RUN is TASK/NUMBER as `history` shows it, or the beginning of a run id: at least 8 digits, and enough to be "
    "unique."
)

EXITS: Final = (
    (0, "done"),
    (1, "failure; `check` or `reload` found errors; or a run with `--wait` did not succeed"),
    (2, "the command line cannot be understood"),
    (3, "no daemon is running"),
    (4, "no such task or run"),
    (5, "no permission: you are neither root, nor in the group rocketd or rocketd-view, nor an operator of that task"),
    (130, "Ctrl-C"),
)

ENVIRONMENT: Final = (
    ("NO_COLOR", "if set and not empty: no colours"),
    ("SYSTEMD_PAGER, PAGER", "the pager; empty or `cat`: none. The default is less(1), for more than one screen"),
    ("SYSTEMD_LESS", "options for less (default: `FRSXMK`)"),
    ("COLUMNS", "the width of the terminal"),
    ("XDG_CONFIG_HOME, XDG_STATE_HOME, XDG_RUNTIME_DIR", "with `--user`: where the files of the user's daemon are"),
    ("STATE_DIRECTORY, RUNTIME_DIRECTORY", "replace `/var/lib/rocketd` and `/run/rocketd`"),
)


def synopsis(verb: Verb) -> str:
    """Return a verb with its arguments and options."""
    return " ".join([verb.name, *map(_shown_argument, verb.arguments), *map(_shown_option, verb.options)])


def _shown_argument(argument: VerbArgument) -> str:
    return {"": argument.metavar, "?": f"[{argument.metavar}]", "*": f"[{argument.metavar}…]"}[argument.how_many]


def _shown_option(option: VerbOption) -> str:
    return f"[{option.names[-1]}{_value(option)}]{'…' if option.repeats else ''}"


def _value(option: VerbOption) -> str:
    if option.kind is OptionKind.FLAG:
        return ""
    return {"": f" {option.metavar}", "?": f" [{option.metavar}]", "*": f" [{option.metavar}…]"}[option.how_many]


def option_names(option: VerbOption) -> str:
    """Return all names of an option, with its value."""
    return ", ".join(f"{name}{_value(option)}" for name in option.names)


def page() -> str:
    """Write the reference page, in Markdown."""
    return "\n".join(_page_lines())


def _page_lines() -> Iterator[str]:
    yield f"# rocketctl\n\n{INTRODUCTION}\n\n{RUNS}\n{TIMES}\n\n## Options of every verb\n"
    yield "They may come before or after the verb.\n"
    yield from _option_table(GLOBAL)
    for verb in VERBS:
        yield f"## `{synopsis(verb).replace('|', ' | ')}`\n"
        yield f"{verb.help[0].upper()}{verb.help[1:]}.\n"
        if verb.options:
            yield from _option_table(verb.options)
        if verb.name in NOTES:
            yield "\n".join(NOTES[verb.name]) + "\n"
    yield "## Exit codes\n\n| code | means |\n|---|---|"
    yield from (f"| {code} | {meaning} |" for code, meaning in EXITS)
    yield "\n## Environment\n\n| variable | |\n|---|---|"
    yield from (f"| `{name}` | {meaning} |" for name, meaning in ENVIRONMENT)
    yield ""


def _option_table(options: Sequence[VerbOption]) -> Iterator[str]:
    yield "| option | |\n|---|---|"
    yield from (f"| `{option_names(option)}` | {option.help} |" for option in options)
    yield ""


def man_page() -> str:
    """Write rocketctl(1)."""
    return roff.page("ROCKETCTL", 1, "rocketctl", "control the task scheduler rocketd", _man_lines())


def _man_lines() -> Iterator[str]:
    yield from (".SH SYNOPSIS", ".B rocketctl", r"[\fIOPTION\fR...] \fIVERB\fR ...")
    yield from (".SH DESCRIPTION", roff.text(INTRODUCTION), ".PP", roff.text(RUNS), ".PP", roff.text(TIMES))
    yield ".SH VERBS"
    for verb in VERBS:
        sentences = (f"{verb.help[0].upper()}{verb.help[1:]}.", *NOTES.get(verb.name, ()))
        yield from roff.item(synopsis(verb), " ".join(sentences))
        if verb.options:
            yield ".RS"
            for option in verb.options:
                yield from roff.item(option_names(option), option.help)
            yield ".RE"
    yield ".SH OPTIONS"
    yield "They may come before or after the verb."
    for option in GLOBAL:
        yield from roff.item(option_names(option), option.help)
    yield ".SH EXIT STATUS"
    for code, meaning in EXITS:
        yield from roff.item(str(code), meaning)
    yield ".SH ENVIRONMENT"
    for name, meaning in ENVIRONMENT:
        yield from roff.item(name, meaning)
    yield from (".SH FILES", ".TP", ".I /run/rocketd/control.sock", roff.text("The control socket: HTTP and JSON."))
    yield from (
        ".TP",
        ".I /run/rocketd/view.sock",
        roff.text("The same for viewers and operators, as far as they may."),
    )
    yield ".SH EXAMPLES"
    for command, meaning in EXAMPLES:
        yield from roff.item(command, meaning)
    yield from roff.see_also(
        "rocketd(8)",
        "rocketd.toml(5)",
        "rocketd.conditions(7)",
        "rocketd-journal-fields(7)",
        "journalctl(1)",
        "systemd.time(7)",
    )


EXAMPLES: Final = (
    ("rocketctl check && systemctl reload rocketd", "Load the task files that were changed, if they have no mistake."),
    ("rocketctl why backup", "Show why a task runs, or what it waits for."),
    (
        "rocketctl explain \"cron('0 3 * * 1-5')\" --count 10",
        "Show the next ten starts of a condition, before a task has it.",
    ),
    ("rocketctl run --wait --exit-code backup", "Start a task now, show its output, and exit as it does."),
    ("rocketctl history --action fail --since yesterday", "List the runs since yesterday that failed."),
    (
        "rocketctl pause backup --until 'tomorrow 06:00' --reason 'disk is being replaced'",
        "Keep a task from starting for a while.",
    ),
)

MADE: Final[Mapping[str, Callable[[], str]]] = {
    "docs/reference/rocketctl.md": page,
    "packaging/man/rocketctl.1": man_page,
    "packaging/man/rocketd.toml.5": roff.settings_page,
    "packaging/completions/rocketctl.bash": shell_completions.bash,
    "packaging/completions/_rocketctl": shell_completions.zsh,
    "packaging/completions/rocketctl.fish": shell_completions.fish,
}
"""Every generated file, below the top of the source tree."""


def write(top: Path) -> None:
    """Write all of them."""
    for page_name in PAGES:
        language = top / page_name
        language.write_text(filled(language.read_text(encoding="utf-8")), encoding="utf-8")
    for name, make in MADE.items():
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_text(make(), encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
