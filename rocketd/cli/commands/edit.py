"""`rocketctl edit` and `rocketctl new`: a copy, an editor, a check, what changes, and then the file in its place."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from rocketd.atomic_file import replace_file
from rocketd.cli.exit_codes import ExitCode, Failure
from rocketd.cli.prompt import ask
from rocketd.cli.render.changes import change_lines, text_difference
from rocketd.cli.render.details import coloured
from rocketd.config import DEFAULT_DIRECTORIES, LoadResult, load
from rocketd.config.task_files import ADMINISTRATOR
from rocketd.core.signal_names import signal_name
from rocketd.core.suggestion import did_you_mean

if TYPE_CHECKING:
    from rocketd.cli.context import Context
    from rocketd.config import Problem

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_WITH_LINE: Final = frozenset({"vi", "vim", "nvim", "nano", "emacs", "editor", "ex", "joe", "mg", "micro"})
"""Editors that take `+LINE`."""

_NEW: Final = """\
[task.{name}]
description = ""
command = ["/usr/bin/true"]
when = "daily.after('03:00')"   # or cron('0 3 * * *'), every('15 min'), … (rocketd.conditions(7))
{user}timeout = "1h"
# All settings: rocketd.toml(5).
"""


class _Target(NamedTuple):
    """What is edited."""

    path: Path
    """Where it is installed."""
    text: str
    """What is there, or what a new file begins with."""
    there: bool
    """Whether there is such a file already."""
    line: int = 1


def edit(call: Context) -> ExitCode:
    """`rocketctl edit [TASK|FILE]`."""
    return _edited(call, _target(call))


def new(call: Context) -> ExitCode:
    """`rocketctl new NAME`."""
    name = call.choices.file
    if not _NAME.fullmatch(name):
        msg = f"{name!r} cannot be the name of a task"
        raise Failure(msg, hint="a name is letters, digits, '.', '_' and '-'")
    known = {task.name: task.file for task in _loaded(call).tasks}
    if name in known:
        msg = f"there is a task {name!r} in {known[name]} already"
        raise Failure(msg, hint=f"rocketctl edit {name}")
    path = _directory(call) / f"{name}.toml"
    if path.exists():
        msg = f"{path} is there already"
        raise Failure(msg, hint=f"rocketctl edit {path.name}")
    key = name if "." not in name else f'"{name}"'
    return _edited(
        call, _Target(path, _NEW.format(name=key, user="" if call.choices.user else 'user = "root"\n'), there=False)
    )


def _directories(call: Context) -> list[Path]:
    return [Path(one) for one in call.choices.config_dir] or [*DEFAULT_DIRECTORIES]


def _directory(call: Context) -> Path:
    """Return the directory of the administrator."""
    return _directories(call)[-1] if call.choices.config_dir else ADMINISTRATOR


def _loaded(call: Context, *more: Path) -> LoadResult:
    return load(
        [*_directories(call), *more], strict=call.choices.user or os.geteuid() == 0, at=call.now if more else None
    )


def _target(call: Context) -> _Target:
    """Find the file that is meant; raises Failure."""
    name = call.choices.file
    if not name:
        files = sorted(_directory(call).glob("*.toml")) if _directory(call).is_dir() else []
        if len(files) != 1:
            msg = f"which task or file? there are {len(files)} in {_directory(call)}"
            raise Failure(msg, hint="rocketctl edit TASK, or a file, or rocketctl new NAME", code=ExitCode.USAGE)
        return _existing(call, files[0], 1)
    if "/" in name or name.endswith(".toml"):
        return _existing(call, Path(name) if "/" in name else _directory(call) / name, 1)
    loaded = _loaded(call)
    found = {task.name: task.file for task in loaded.tasks}
    found |= {one.task.name: one.task.file for one in loaded.disabled}
    found |= {one.name: one.file for one in loaded.missing.values()}
    if name not in found:
        hint = did_you_mean(name, found) or f"rocketctl new {name}"
        raise Failure(f"no task file has a task {name!r}", hint=hint, code=ExitCode.NOT_FOUND)
    path = Path(found[name])
    header = re.compile(rf"^\s*\[\s*task\s*\.\s*[\"']?{re.escape(name)}[\"']?\s*[\].]", re.MULTILINE)
    text = _read(path)
    at = header.search(text)
    return _existing(call, path, text.count("\n", 0, at.start()) + 1 if at else 1)


def _existing(call: Context, path: Path, line: int) -> _Target:
    """Edit the file where it is; one of a package as a file of its name in the administrator's directory."""
    text = _read(path)
    if path.parent in DEFAULT_DIRECTORIES and path.parent != ADMINISTRATOR and not call.choices.config_dir:
        call.terminal.note(f"{path} belongs to a package; the edited file will be {ADMINISTRATOR / path.name}")
        path = ADMINISTRATOR / path.name
        return _Target(path, text, path.exists(), line)
    return _Target(path, text, there=True, line=line)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        msg = f"there is no {path}"
        raise Failure(msg, hint=f"rocketctl new {path.stem}", code=ExitCode.NOT_FOUND) from None
    except (OSError, ValueError) as error:
        msg = f"cannot read {path}: {error}"
        raise Failure(msg) from None


def _edited(call: Context, target: _Target) -> ExitCode:
    """Edit a copy until it is good or given up, and install it."""
    directory = Path(tempfile.mkdtemp(prefix="rocketctl-edit-"))
    copy = directory / target.path.name
    copy.write_text(target.text, encoding="utf-8")
    keep = True
    try:
        keep = not _installed(call, target, copy)
    finally:
        if keep and copy.is_file() and copy.read_text(encoding="utf-8", errors="replace") != target.text:
            call.terminal.note(f"your version is kept in {copy}")
        else:
            with suppress(OSError):
                for path in directory.iterdir():  # editors leave files of their own there
                    path.unlink()
                directory.rmdir()
    return ExitCode.FAILED if keep and copy.exists() else ExitCode.DONE


def _installed(call: Context, target: _Target, copy: Path) -> bool:
    """Edit and check; True: it is installed, or nothing was to be done."""
    while True:
        run_editor(copy, target.line)
        if not copy.is_file():
            msg = f"the editor has left no file at {copy}, so nothing is installed"
            raise Failure(msg)
        text = _read(copy)
        if text == target.text and target.there:
            call.terminal.note("nothing has changed")
            return True
        loaded = _loaded(call, copy.parent)
        call.terminal.write(_shown(call, target, copy, loaded))
        if any(problem.severity == "error" for problem in _problems_of(loaded, copy)):
            question, allowed = "It has errors. (e)dit again or (q)uit without installing it?", "eq"
        elif call.choices.yes:
            break
        else:
            question, allowed = f"Install it as {target.path}? (y)es, (e)dit again or (q)uit", "yeq"
        answer = ask(question, allowed)
        if answer == "q":
            return False
        if answer == "y":
            break
    _install(target, text)
    call.terminal.note(f"{target.path} is installed")
    _reload(call)
    return True


def _problems_of(loaded: LoadResult, path: Path) -> list[Problem]:
    return [problem for problem in loaded.problems if problem.file == str(path)]


def _shown(call: Context, target: _Target, copy: Path, loaded: LoadResult) -> list[str]:
    """Return the difference, the problems, and what changes."""
    from rocketd.cli.commands.task_changes import changes  # noqa: PLC0415 - once the editor has ended

    lines = list(text_difference(target.text if target.there else "", _read(copy), str(target.path), call.look))
    problems = _problems_of(loaded, copy)
    report = "\n".join(map(str, problems))
    lines += coloured(report, problems, call.look).replace(str(copy), str(target.path)).split("\n") if problems else []
    changed = changes(call, _loaded(call), loaded, [copy])
    return [*lines, "", *change_lines(changed, call.look)]


def run_editor(path: Path, line: int) -> None:
    """Run the editor of the user on a file, at a line if it can; raises Failure."""
    words = _editor()
    place = [f"+{line}"] if line > 1 and Path(words[0]).name in _WITH_LINE else []
    for editor in (words, ["vi"]):
        try:
            code = subprocess.run([*editor, *place, str(path)], check=False).returncode  # noqa: S603 - the caller's
        except FileNotFoundError:
            continue
        except OSError as error:
            msg = f"cannot run the editor {editor[0]!r}: {error.strerror}"
            raise Failure(msg, hint="set EDITOR") from None
        if code:
            how = f"ended with exit code {code}" if code > 0 else f"was ended by {signal_name(-code)}"
            msg = f"{editor[0]} {how}"
            raise Failure(msg)
        return
    msg = f"there is no editor {words[0]!r}"
    raise Failure(msg, hint="set EDITOR")


def _editor() -> list[str]:
    """Return the words of the first variable that names an editor; raises Failure."""
    for name in ("SUDO_EDITOR", "VISUAL", "EDITOR"):
        try:
            words = shlex.split(os.environ.get(name, ""))
        except ValueError:
            msg = f"a quote in {name} is not closed: {os.environ[name]}"
            raise Failure(
                msg, hint="if the path of the editor has a quote or a blank, put the path in quotes"
            ) from None
        if words:
            return words
    return ["editor"]


def _install(target: _Target, text: str) -> None:
    """Put the text in its place, with the owner and mode of what was there; raises Failure."""
    try:
        status = target.path.stat() if target.path.exists() else None
        if target.there and (status is None or target.path.read_text(encoding="utf-8") != target.text):
            msg = f"{target.path} has been changed by somebody else meanwhile"
            raise Failure(msg, hint="compare, and edit again")
        mode = status.st_mode & 0o755 if status else 0o644
        owner = (status.st_uid, status.st_gid) if status else None
        target.path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(target.path, text.encode(), mode=mode, owner=owner)
    except OSError as error:
        msg = f"cannot write {target.path}: {error.strerror}"
        raise Failure(msg) from None


def _reload(call: Context) -> None:
    from rocketd.cli.backend.http_client import Client  # noqa: PLC0415 - as above

    try:
        Client(call.choices.socket).post("/v1/reload")
    except Failure as failure:
        if failure.code is not ExitCode.NO_DAEMON:
            raise
        call.terminal.note("no daemon is running; it loads the file when it starts")
    else:
        call.terminal.note("the daemon has loaded it")
