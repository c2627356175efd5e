"""What is written about `rocketctl` and made from its table of verbs: reference page, man page, completions.

`python -m docgen.rocketctl_reference TOP` writes all of them below the top of a source tree.
"""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from docgen import roff, shell_completions
from docgen.condition_reference import PAGES, filled

from rocketd.cli.command_table import GLOBAL, OFFLINE, VERBS, OptionKind, Verb, VerbArgument, VerbOption
from rocketd.cli.render.cells import joined

INTRODUCTION: Final = (
    "`rocketctl` looks after rocketd over its control socket. "
    f"Where no daemon runs, {joined((f'`{name}`' for name in OFFLINE), 'and')} "
    "answer from the task files and the store, and the others exit with 3."
)

NOTES: Final[Mapping[str, Sequence[str]]] = {
    "list": (
        "NEXT is when a task is expected to start, as far as that can be known now; an event can change it.",
        "Its splay is included; of a task that is paused until a time it is the first start after that.",
        "It is a dash where only an event, such as the end of another task, can make it due.",
        "Where what is observed decides as well, LEFT says so: `in 45min if load_below(2.0)`,",
        "or `when load_below(2.0) holds` where it waits for nothing else any more;",
        "`--json` has these conditions as `next_if` and `now_if`.",
        "A task that runs at an occasion has `on boot` in WHEN, and `next boot`, `next start` or `at shutdown` in LEFT",
        "if nothing else is known to start it before.",
        "Below the table stands which files are not loaded, how many of their tasks are missing, and why;",
        "whatever else is asked about such a task says it as well.",
        "RESULT is how its newest run ended: an action, `running`, or `open` for a run whose daemon is gone.",
    ),
    "history": (
        "At most 100 runs are shown unless `--limit` says otherwise;",
        "if there are more, standard error says so.",
        "A stretch of missed times is one line, without a number.",
    ),
    "export": (
        "Each run is an object with the keys of `show RUN --json`, or a line of CSV with the same columns.",
        "Where an export breaks off, it exits with 1.",
    ),
    "prune": (
        "Which records are old, `keep` in `[store]` says, or `--before`.",
        "What conditions can still ask for stays all the same: the newest run of each task, for one.",
        "Where no daemon runs, it is done under the daemon's lock.",
        "The file does not get smaller: its room is used again.",
    ),
    "log": (
        "It becomes journalctl(1) with `ROCKETD_TASK=` or `ROCKETD_RUN_ID=`.",
        "Where there is no journal it prints the end of the output that the run's record keeps.",
    ),
    "why": (
        "Each part of the condition is shown with whether it holds (`?`: that is unknown), because of what,",
        "since when, and until when that stays so if nothing happens.",
        "Sentences tell the time of the task's own zone; where that is not yours, a line says so.",
        "`--at` a time that has passed asks the run log what was known then, of up to 2000 runs of each task.",
    ),
    "explain": (
        "The task that would start has no past, is never busy, and each run succeeds at once;",
        "a cron line or calendar fires nothing at its first load.",
        "Other tasks in the condition are taken to be there, with nothing happening to them.",
        "A condition that is wrong is shown with a caret under the mistake, and the exit code is 1.",
    ),
    "simulate": (
        "Where there is a store, tasks go on from what it has recorded, and a run takes the median of its last ones;",
        "else, or from a time that has passed, they are first loaded at that time, and a run takes a second.",
        "What is observed, such as `path_exists`, stays unknown, so a task that needs it is not shown.",
    ),
    "run": (
        "By hand, whatever its condition says, and even if it is paused; a mutex and `max_running` are obeyed.",
        "Its own schedule does not count it, unless `--as-scheduled` is given.",
        "With `--exit-code`, a run that a signal ended gives 128 and the number of the signal.",
        "Ctrl-C ends the waiting, not the run.",
    ),
    "stop": (
        "SIGTERM goes to all its processes, and SIGKILL after the task's `kill_grace`.",
        "A stop uses up what was due until then; no retry follows.",
    ),
    "resume": (
        "Ticks count from now on: those that fell while it was paused are not made up for; a window that is open is.",
    ),
    "check": (
        "Warnings alone are no failure.",
        "It also warns of tasks that would start again after each end for as long as an hour or a state lasts, unless",
        "their `restart_delay` is written, and of tasks that never start by themselves or not within two years.",
        "It says who would start at once if it were loaded for the first time now.",
        "A file that is named may speak of tasks that are in place already, so it can be checked before it is dropped.",
    ),
    "reload": (
        "As `systemctl reload rocketd`, but it also prints the problems, and exits with 1 if there are errors.",
        "Files without errors are loaded all the same; a file with errors keeps its last good tasks.",
    ),
}

TIMES: Final = (
    "A TIME is `2h ago`, `in 2h`, `now`, `yesterday`, `today 10:00`, `tomorrow`, `10:00`, `2026-11-24`, "
    "`2026-11-24 10:00`, `2026-11-24T10:00:00+01:00` or `@1795514400`, as in systemd.time(7). "
    "What names no zone is in that of the terminal: TZ, else the host's."
)
RUNS: Final = (
    "A RUN is TASK/NUMBER as `history` shows it, or a run id: at least its first 8 digits, and enough of them that no "
    "other run has the same."
)

EXITS: Final = (
    (0, "done"),
    (1, "it failed, or `check` or `reload` found errors, or a run that was waited for did not succeed"),
    (2, "the command line cannot be understood"),
    (3, "no daemon is running"),
    (4, "no such task or run"),
    (5, "not allowed: only root and the members of the group rocketd may talk to the daemon"),
    (130, "Ctrl-C"),
)

ENVIRONMENT: Final = (
    ("NO_COLOR", "set and not empty: no colours"),
    ("SYSTEMD_PAGER, PAGER", "the pager; empty or `cat`: none. By default less(1), where more than a screen is shown"),
    ("SYSTEMD_LESS", "options for less, by default `FRSXMK`"),
    ("COLUMNS", "the width of the terminal"),
    ("STATE_DIRECTORY, RUNTIME_DIRECTORY", "in place of `/var/lib/rocketd` and `/run/rocketd`"),
)


def synopsis(verb: Verb) -> str:
    """Write a verb with what it takes."""
    return " ".join([verb.name, *map(_shown_argument, verb.arguments), *map(_shown_option, verb.options)])


def _shown_argument(argument: VerbArgument) -> str:
    return {"": argument.metavar, "?": f"[{argument.metavar}]", "*": f"[{argument.metavar}…]"}[argument.how_many]


def _shown_option(option: VerbOption) -> str:
    return f"[{option.names[-1]}{'' if option.kind is OptionKind.FLAG else f' {option.metavar}'}]"


def option_names(option: VerbOption) -> str:
    """Write all names of an option and its value."""
    return ", ".join(f"{name}{'' if option.kind is OptionKind.FLAG else f' {option.metavar}'}" for name in option.names)


def page() -> str:
    """Write the reference page, in Markdown."""
    return "\n".join(_page_lines())


def _page_lines() -> Iterator[str]:
    yield f"# rocketctl\n\n{INTRODUCTION}\n\n{RUNS}\n{TIMES}\n\n## Options of every verb\n"
    yield "They stand before the verb or after it.\n"
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
    return roff.page("ROCKETCTL", 1, "rocketctl", "look after the task scheduler rocketd", _man_lines())


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
    yield "They stand before the verb or after it."
    for option in GLOBAL:
        yield from roff.item(option_names(option), option.help)
    yield ".SH EXIT STATUS"
    for code, meaning in EXITS:
        yield from roff.item(str(code), meaning)
    yield ".SH ENVIRONMENT"
    for name, meaning in ENVIRONMENT:
        yield from roff.item(name, meaning)
    yield from (".SH FILES", ".TP", ".I /run/rocketd/control.sock", roff.text("The control socket: HTTP and JSON."))
    yield from roff.see_also("rocketd(8)", "rocketd.toml(5)", "journalctl(1)", "systemd.time(7)")


MADE: Final[Mapping[str, Callable[[], str]]] = {
    "docs/reference/rocketctl.md": page,
    "packaging/man/rocketctl.1": man_page,
    "packaging/man/rocketd.toml.5": roff.settings_page,
    "packaging/completions/rocketctl.bash": shell_completions.bash,
    "packaging/completions/_rocketctl": shell_completions.zsh,
    "packaging/completions/rocketctl.fish": shell_completions.fish,
}
"""Every file that is made, below the top of the source tree."""


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
