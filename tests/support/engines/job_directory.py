"""A small engine: jobs are real processes, and a directory for each keeps what became of it.

Its three commands are those of `engine = "commands"`. A name is taken once: `mkdir` refuses a second. What is in the
engine's directory can be counted by a test: `submitted` has a line for each submission, `begun` one for each job, and
`cancelled` one for each time that a job was to be ended.
"""

import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import Final

from rocketd.core.instant import SECOND
from rocketd.core.model.engine import Engine, EngineCommands, EngineKind

_SUBMIT: Final = """[ -e "$TOP/away" ] && exit 75
[ -e "$TOP/refuses" ] && { echo "no such partition" >&2; exit 1; }
step=$(cat "$TOP/kill-at" 2>/dev/null)
[ "$step" = noted ] && kill -KILL $PPID
[ "$step" = noted ] && exit 1
job=$TOP/$ROCKETD_JOB
echo "$ROCKETD_JOB" >>"$TOP/submitted"
mkdir "$job" 2>/dev/null || exit 0
[ "$step" = submitting ] && kill -KILL $PPID
cat >"$job/input"
setsid sh -c '
    trap : TERM
    echo "$ROCKETD_JOB" >>"$TOP/begun"
    "$@" <"$0/input" >"$0/output" 2>&1 &
    wait $!
    code=$?
    while kill -0 $! 2>/dev/null; do wait $!; code=$?; done
    if [ $code -gt 128 ]; then echo "killed $((code - 128))"; else echo "exited $code"; fi >"$0/end.part"
    mv "$0/end.part" "$0/end"
' "$job" "$@" </dev/null >/dev/null 2>&1 &
echo $! >"$job/pid"
[ "$step" = submitted ] && kill -KILL $PPID
[ -e "$TOP/answers-late" ] && exit 75
echo "job $!"
"""
_STATUS: Final = """[ -e "$TOP/away" ] && exit 1
[ "$(cat "$TOP/kill-at" 2>/dev/null)" = accepted ] && kill -KILL $PPID
job=$TOP/$ROCKETD_JOB
[ -d "$job" ] || { echo absent; exit 0; }
end=$(cat "$job/end" 2>/dev/null)
cat "$job/output" 2>/dev/null
echo "${end:-running}"
"""
_CANCEL: Final = """[ -e "$TOP/away" ] && exit 1
job=$TOP/$ROCKETD_JOB
echo "$ROCKETD_JOB" >>"$TOP/cancelled"
[ -e "$job/end" ] || [ ! -e "$job/pid" ] || pkill -TERM --session "$(cat "$job/pid" || echo 999999999)"
exit 0
"""


class JobDirectory:
    """The engine below a directory, which must exist."""

    def __init__(self, top: Path, interval: float = 0.05, *, exists: bool = False) -> None:
        """`interval`: seconds between two questions about a run; `exists`: it has been made before."""
        self.top = top / "jobs"
        if not exists:
            self.top.mkdir()
        for name, text in (("submit", _SUBMIT), ("status", _STATUS), ("cancel", _CANCEL)):
            (top / name).write_text(text.replace("$TOP", str(self.top)))
        names = ("submit", "status", "cancel")
        told = ", ".join(f'{name} = ["/bin/sh", "{top / name}"]' for name in names)
        self.settings = ('engine = "commands"', 'engine_interval = "1s"', f"commands = {{ {told} }}")
        """What a task says to be handed off to it."""
        commands = EngineCommands(*(("/bin/sh", str(top / name)) for name in ("submit", "status", "cancel")))
        self.engine = Engine(EngineKind.COMMANDS, commands, int(interval * SECOND))

    def set(self, flag: str, *, on: bool = True) -> None:
        """Make it `away`, let it refuse jobs (`refuses`), or take them without saying so (`answers-late`)."""
        if on:
            (self.top / flag).touch()
        else:
            (self.top / flag).unlink(missing_ok=True)

    def close(self) -> None:
        """Kill the jobs that have not ended."""
        for pid in self.top.glob("*/pid"):
            if not (pid.parent / "end").exists():
                with suppress(ProcessLookupError):
                    os.killpg(int(pid.read_text()), signal.SIGKILL)

    def kill_at(self, step: str) -> None:
        """Have it kill who asks it: at `noted`, `submitting`, `submitted` or `accepted`; empty: no longer."""
        (self.top / "kill-at").write_text(step)

    def lines(self, name: str) -> list[str]:
        """Return the jobs that were `submitted`, have `begun` or were `cancelled`, each as often as that."""
        try:
            return (self.top / name).read_text().split()
        except FileNotFoundError:
            return []
