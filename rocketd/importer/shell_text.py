"""Commands of crontabs: guards that are conditions here, and what a task says instead of the shell."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Final, NamedTuple

from rocketd.core.shell_syntax import needs_shell
from rocketd.importer.task_draft import literal

if TYPE_CHECKING:
    from rocketd.importer.task_draft import Value

_PLAIN: Final = r"[\w./@:+-]+"
_GUARD: Final = re.compile(
    rf"(?:(?:/usr)?(?:/bin/)?test -(?P<a>[xefdr]) (?P<path_a>{_PLAIN})|\[ -(?P<b>[xefdr]) (?P<path_b>{_PLAIN}) \])"
    r"\s*(?P<operator>&&|\|\|)\s*(?P<rest>\S.*)",
    re.DOTALL,
)
_CD: Final = re.compile(rf"cd (?P<place>/{_PLAIN}|/) && (?P<rest>\S.*)", re.DOTALL)
_GROUP: Final = re.compile(r"\(\s*(?P<round>\S[^()]*)\)|\{\s+(?P<curly>[^{}]*?);?\s*\}", re.DOTALL)
_NOT_UNDER_SYSTEMD: Final = re.compile(
    r"!\s+-[ed] /run/systemd/system\b|(?:test -[ed] /run/systemd/system|\[ -[ed] /run/systemd/system \])\s*\|\|"
)
_TOKEN: Final = re.compile(
    r"""'[^']*'|"(?:[^"\\]|\\.)*"|\\.|&&|\|\||;;|\d?[<>]&\d?-?|&>|[;&|(){}\n]|[A-Za-z_]+|[^\S\n]+|.""", re.DOTALL
)
_SHELLS: Final = frozenset({"", "sh", "bash", "dash", "ash", "ksh", "ksh93", "mksh", "zsh"} | {"fish", "csh", "tcsh"})
"""What executes a plain command line as the words that it consists of."""
_OPENING: Final = frozenset({"(", "{", "if", "case", "do"})
_CLOSING: Final = frozenset({")", "}", "fi", "esac", "done"})


class GuardedCommand(NamedTuple):
    """A command without the tests before it."""

    command: str
    guards: tuple[str, ...]
    """The same tests, as conditions."""


def separators(text: str) -> set[str]:
    """Return the operators between the commands of a text, outside of groups."""
    found: set[str] = set()
    depth = 0
    for token in _TOKEN.findall(text):
        if token in _OPENING:
            depth += 1
        elif token in _CLOSING:
            depth -= 1
        elif depth <= 0 and token in ("&&", "||", ";", "&", "|", "\n"):
            found.add(token)
    return found


def without_guards(command: str) -> GuardedCommand:
    """Turn `test -x FILE &&` and `test -x FILE ||` before all of the rest into conditions."""
    guards: list[str] = []
    while found := _GUARD.fullmatch(command):
        rest, path = found["rest"], found["path_a"] or found["path_b"]
        if path == "/run/systemd/system" or separators(rest) & {";", "&", "\n", "||"} or _mixed(found, rest):
            break
        guards.append(("~" if found["operator"] == "||" else "") + f"path_exists({literal(path)})")
        command = _ungrouped(rest)
    return GuardedCommand(command, tuple(guards))


def _mixed(found: re.Match[str], rest: str) -> bool:
    """Whether `A || B && C` would run C in any case."""
    return found["operator"] == "||" and "&&" in separators(rest)


def _ungrouped(text: str) -> str:
    found = _GROUP.fullmatch(text)
    return (found["round"] or found["curly"]).strip() if found else text


def idle_under_systemd(command: str) -> bool:
    """Whether all of it does nothing on a host that runs systemd."""
    return bool(_NOT_UNDER_SYSTEMD.search(command)) and not separators(command) & {";", "\n", "&", "|"}


def command_settings(command: str, stdin: str = "", shell: str = "/bin/sh") -> dict[str, Value]:
    """Return the settings of a task that runs this text as cron does."""
    if shell.rpartition("/")[2] not in _SHELLS:  # /bin/false runs nothing, and a Python reads another language
        return {"command": [shell, "-c", _with_input(command, stdin)]}
    if not stdin and (found := _CD.fullmatch(command)) and not needs_shell(found["rest"]):
        return {"directory": found["place"], "command": [*shlex.split(found["rest"])]}
    if not stdin and not needs_shell(command) and "=" not in command.split(" ", 1)[0]:
        return {"command": [*shlex.split(command)]}
    command = _with_input(command, stdin)
    if shell in ("/bin/sh", "sh", ""):
        return {"command": command, "shell": True}
    return {"command": [shell, "-c", command]}


def _with_input(command: str, stdin: str) -> str:
    return f"{{ {command}\n}} <<'{_end_mark(stdin)}'\n{stdin}{_end_mark(stdin)}\n" if stdin else command


def _end_mark(stdin: str) -> str:
    mark = "END"
    while mark in stdin.split("\n"):
        mark += "_"
    return mark


_STARTERS: Final = frozenset(
    {"if", "then", "{", "(", "exec", "nice", "ionice", "env", "sudo", "time", "chronic", "!", "[", "test"}
)


def program_of(command: str) -> str:
    """Return the name of the program that a text is about, for the name of a task."""
    if found := re.search(r"run-parts(?:\s+-\S+)*\s+(\S+)", command):
        return found[1].rstrip("/").rpartition("/")[2]
    words = re.findall(
        r"[^\s;&|()]+", re.sub(r"\[ [^\]]* \]|(?:/\S*)?test -\S \S+|command -v \S+ > ?/dev/null", "", command)
    )
    for word in words:
        if word in _STARTERS or word.startswith("-") or re.match(r"\w+=", word) or word in ("&&", "||", "cd", "/"):
            continue
        name = re.sub(r"[^\w.-]+", "", word.rpartition("/")[2])
        if name and name[0].isalnum():
            return re.sub(r"\.(?:sh|py|pl|php|rb)$", "", name)
    return ""
