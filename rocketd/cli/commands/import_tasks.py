"""`rocketctl import`: cron jobs and timers become task files."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rocketd.atomic_file import replace_file
from rocketd.cli.exit_codes import ExitCode, Failure, UsageError
from rocketd.cli.render.imported import comparison_lines, imported_object, summary
from rocketd.config import DEFAULT_DIRECTORIES, load
from rocketd.config.problems import Fault
from rocketd.core.instant import DAY
from rocketd.core.plural import counted
from rocketd.importer.sources import ImportRequest, read_sources
from rocketd.importer.task_draft import NotImported
from rocketd.importer.task_file_text import task_file_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rocketd.cli.context import Context
    from rocketd.cli.parser import Choices
    from rocketd.importer.comparison import Comparison
    from rocketd.importer.task_draft import ImportedFile, TaskDraft

_ALL: Final = (
    "rocketctl import --crontab /etc/crontab --cron-d /etc/cron.d --user-crontabs /var/spool/cron/crontabs "
    "--anacrontab /etc/anacrontab --timers"
)


def import_tasks(call: Context) -> ExitCode:
    """Read what is named, write task files, compare, and switch the old entries off. Raises Failure."""
    choices = call.choices
    request = _request(choices)
    read = read_sources(request)
    for sentence in read.skipped:
        call.terminal.note(sentence)
    if choices.undo:
        return _undo(call, request)
    for file in read.files:
        _leave_out_invalid(file)
    compared = _compared(call, [draft for file in read.files for draft in file.drafts]) if choices.compare else []
    if choices.output:
        _write(Path(choices.output), read.files)
    _show(call, read.files, compared)
    if choices.disable:
        _disable(call, read.files)
    call.terminal.note(summary(read.files, compared))
    wrong = any(file.rejected for file in read.files) or any(one.differing for one in compared)
    return ExitCode.FAILED if wrong else ExitCode.DONE


def _request(choices: Choices) -> ImportRequest:
    """Return what the options name; raises UsageError."""
    request = ImportRequest(choices.crontab, choices.cron_d, choices.user_crontabs, choices.anacrontab, choices.timers)
    if request == ImportRequest():
        msg = "say what to import"
        raise UsageError(msg, hint=_ALL)
    if choices.disable and choices.undo:
        msg = "either --disable or --undo, not both"
        raise UsageError(msg)
    if choices.disable and not choices.output:
        msg = "--disable needs --output: without task files nothing would run any more"
        raise UsageError(msg)
    return request


def _leave_out_invalid(file: ImportedFile) -> None:
    """Check the file as the daemon would; what it would refuse is not imported. A user may still come to this host."""
    with tempfile.TemporaryDirectory(prefix="rocketctl-import-") as directory:
        path = Path(directory, f"{file.name}.toml")
        path.write_text(task_file_text(file), encoding="utf-8")
        problems = load([path], strict=False).problems
    errors = [problem for problem in problems if problem.severity == "error"]
    wrong = {problem.task: problem for problem in errors if problem.fault is not Fault.IDENTITY}
    for draft in [draft for draft in file.drafts if draft.name in wrong]:
        file.drafts.remove(draft)
        file.rejected.append(NotImported(draft.origin, "\n".join(draft.original), wrong[draft.name].message))


def _compared(call: Context, drafts: Sequence[TaskDraft]) -> Sequence[Comparison]:
    from rocketd.importer.comparison import compare  # noqa: PLC0415 - only for --compare

    return compare(drafts, call.now, call.now + call.choices.compare * DAY)


def _write(directory: Path, files: Sequence[ImportedFile]) -> None:
    """Write the task files; raises Failure before any is written if one is there already."""
    paths = {file.name: directory / f"{file.name}.toml" for file in files if file.drafts or file.rejected}
    there = [str(path) for path in paths.values() if path.exists()]
    if there:
        msg = f"{', '.join(there)} {'is' if len(there) == 1 else 'are'} there already, so nothing was written"
        raise Failure(msg, hint="remove them, or choose another --output")
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for file in files:
            replace_file(paths[file.name], task_file_text(file).encode(), mode=0o600 if file.private else 0o644)
    except OSError as error:
        msg = f"cannot write to {directory}: {error.strerror}"
        raise Failure(msg) from error


def _show(call: Context, files: Sequence[ImportedFile], compared: Sequence[Comparison]) -> None:
    if call.choices.json:
        call.terminal.json(imported_object(files, compared))
        return
    lines: list[str] = []
    if not call.choices.output:
        for file in files:
            lines += [f"# ---- {file.name}.toml ----", *task_file_text(file).split("\n")]
    if compared:
        lines += comparison_lines(compared, call.look)
    call.terminal.show(lines)


def _disable(call: Context, files: Sequence[ImportedFile]) -> None:
    """Switch the old entries off, and have the daemon load the new ones. Raises SourceError."""
    from rocketd.cli.backend.http_client import Client  # noqa: PLC0415 - only for --disable
    from rocketd.importer.disabling import disable_lines, disable_timers, lines_by_file  # noqa: PLC0415 - as above

    origins = [draft.origin for file in files for draft in file.drafts if draft.settings.get("enabled", True)]
    for path, lines in lines_by_file(origins).items():
        if count := disable_lines(path, lines):
            call.terminal.note(f"{path}: {counted(count, 'entry', 'entries')} switched off")
    timers = [origin for origin in origins if origin.endswith(".timer")]
    for unit in disable_timers(timers, Path(call.choices.state_dir)):
        call.terminal.note(f"{unit} switched off")
    if Path(call.choices.output) in DEFAULT_DIRECTORIES or call.choices.output in call.choices.config_dir:
        try:
            Client(call.choices.socket).post("/v1/reload")
        except Failure as failure:
            call.terminal.note(f"the daemon has not loaded the new tasks: {failure.message}")
        else:
            call.terminal.note("the daemon has loaded the new tasks")
            return
    call.terminal.note("the new tasks count after: rocketctl reload")


def _undo(call: Context, request: ImportRequest) -> ExitCode:
    """Switch on again what `--disable` has switched off in these sources. Raises SourceError."""
    from rocketd.importer.disabling import enable_lines, enable_timers  # noqa: PLC0415 - only for --undo

    directories = [Path(one) for one in (*request.cron_directories, *request.user_directories)]
    paths = [*map(Path, (*request.crontabs, *request.anacrontabs))]
    tables = [path for one in directories for path in sorted(one.iterdir()) if path.name[0] != "."]
    paths += [path for path in tables if path.is_file() and not path.is_symlink()]  # what it points to was not touched
    for path in paths:
        if count := enable_lines(path):
            call.terminal.note(f"{path}: {counted(count, 'entry', 'entries')} switched on again")
    if request.timers is not None:
        named = {os.path.basename(name) for name in request.timers if name.endswith(".timer")}  # noqa: PTH119 - names
        for unit in enable_timers(named, Path(call.choices.state_dir)):
            call.terminal.note(f"{unit} switched on again")
    call.terminal.note("the imported task files are still there; remove them, and then: rocketctl reload")
    return ExitCode.DONE
