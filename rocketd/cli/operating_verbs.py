"""The verbs that have the daemon do something with tasks: a part of the table of verbs."""

from typing import Final

from rocketd.cli.command_types import OptionKind, Verb, VerbArgument, VerbOption

YES: Final = VerbOption(("-y", "--yes"), "yes", OptionKind.FLAG, "do not ask, even if it is about several tasks")
_TASKS: Final = VerbArgument(
    "TASK", "subjects", OptionKind.TASK, "names of tasks, patterns like 'db-*', or tag:NAME", how_many="*"
)
_SUBJECTS: Final = VerbArgument(
    "TASK|RUN",
    "subjects",
    OptionKind.RUNNING,
    "names of tasks, patterns like 'db-*', tag:NAME, or runs: ids or TASK/NUMBER",
    how_many="*",
)
_ALL: Final = VerbOption(("--all",), "every", OptionKind.FLAG, "all loaded tasks")

OPERATING_VERBS: Final = (
    Verb(
        "run",
        "start tasks now",
        (_TASKS,),
        (
            VerbOption(
                ("--wait",),
                "wait",
                OptionKind.FLAG,
                "show the output until the run ends; exit with 0 for success, else 1",
            ),
            VerbOption(
                ("--exit-code",), "exit_code", OptionKind.FLAG, "with --wait: exit with the exit code of the task"
            ),
            VerbOption(("--as-scheduled",), "as_scheduled", OptionKind.FLAG, "count it as the scheduled run"),
            YES,
        ),
    ),
    Verb(
        "stop",
        "stop runs, or every run of tasks",
        (_SUBJECTS,),
        (
            VerbOption(("--wait",), "wait", OptionKind.FLAG, "wait until it has ended"),
            _ALL._replace(help="every run that is active"),
            YES,
        ),
    ),
    Verb(
        "pause",
        "pause tasks until they are resumed, also across restarts",
        (_TASKS,),
        (
            VerbOption(
                ("--until",), "until", OptionKind.TIME, "resume then: in 2h, tomorrow, '2026-11-24 10:00'", "TIME"
            ),
            VerbOption(("--reason",), "reason", OptionKind.TEXT, "the reason, shown by list, show and why", "TEXT"),
            _ALL,
            YES,
        ),
    ),
    Verb(
        "resume",
        "resume paused tasks",
        (_TASKS._replace(kind=OptionKind.PAUSED),),
        (_ALL._replace(help="all tasks that are paused"), YES),
    ),
)
