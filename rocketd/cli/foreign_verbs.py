"""Verbs that other tools have, and what does the same here.

`enable` and `disable` are not verbs on purpose: a task that must not start for a while is paused, which is an order
of an operator and so in the store; one that is not to be there has `enabled = false`, which is in its file. A third way
to say no would leave everybody to guess which of them holds.
"""

from typing import Final

HINTS: Final = {
    "disable": "`rocketctl pause TASK` starts nothing by itself until `resume`; `enabled = false` in its file "
    "(`rocketctl edit TASK`) takes the task away",
    "enable": "`rocketctl resume TASK` ends a pause; `enabled = false` is in its file (`rocketctl edit TASK`)",
    "mask": "`rocketctl pause TASK`, or `enabled = false` in its file",
    "unmask": "`rocketctl resume TASK`, or `rocketctl edit TASK`",
    "start": "`rocketctl run TASK` starts a run now; `systemctl start rocketd` starts the daemon",
    "restart": "`rocketctl stop TASK --wait`, then `rocketctl run TASK`; `systemctl restart rocketd` is for the daemon",
    "kill": "`rocketctl stop TASK|RUN` sends SIGTERM, and SIGKILL after kill_grace",
    "trigger": "`rocketctl run TASK`",
    "suspend": "`rocketctl pause TASK`",
    "unpause": "`rocketctl resume TASK`",
    "logs": "`rocketctl log TASK`",
    "tail": "`rocketctl log TASK --follow`",
    "cat": "`rocketctl show TASK`; `rocketctl edit TASK` shows its file",
    "ps": "`rocketctl list --running`",
    "ls": "`rocketctl list`",
    "top": "`rocketctl list --running`",
    "jobs": "`rocketctl list`",
    "list-timers": "`rocketctl list --sort next`",
    "next": "`rocketctl list --sort next`",
    "rm": "remove the task from its file: `rocketctl edit TASK`",
    "remove": "remove the task from its file: `rocketctl edit TASK`",
    "delete": "remove the task from its file: `rocketctl edit TASK`",
    "add": "`rocketctl new NAME`",
    "create": "`rocketctl new NAME`",
    "validate": "`rocketctl check`",
    "lint": "`rocketctl check`",
    "daemon-reload": "`rocketctl reload`",
    "version": "`rocketctl --version`",
}
