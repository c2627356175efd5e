"""Loading: from directories to tasks and problems, and again after a change.

    file                    its tasks
    good                    loaded
    with an error           absent at start; at reload, those of its last good version stay
    that cannot be read     the same, until it can
    unchanged               those that are there already, if the host still answers as it did

A file is one piece: an error in one of its tasks keeps all of them back, so that a chain is never loaded by halves.
What is wrong between files (`references`) keeps back only the task it is about. So does what the host lacks, as an
unknown user: that is no mistake of the file, and `recheck_host` finds out whether it has passed.
"""

import hashlib
import os
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from rocketd.config.compiler import TaskSpecCompiler
from rocketd.config.condition_notes import condition_notes
from rocketd.config.condition_warnings import ConditionQuestions, condition_warnings
from rocketd.config.cross_file_checks import TaskMistake, WatchedTasks, unknown_tasks, without_duplicates
from rocketd.config.daemon_settings import DAEMON_TIMEZONE, REPO, Settings, settings_of
from rocketd.config.host_lookup import HostLookup
from rocketd.config.host_queries import HostQueries, with_timeouts
from rocketd.config.host_retry import HostRetry
from rocketd.config.load_result import FileOutcome, LoadedFile, LoadResult, LoadSource, Missing, missing_of
from rocketd.config.problems import MAX_MISTAKES, BadValue, Fault, Mistake, Problem
from rocketd.config.setting import Section
from rocketd.config.task_files import (
    DEFAULT_DIRECTORIES,
    SETTINGS_NAME,
    Masked,
    Rights,
    TaskFileEntry,
    TaskFileTree,
    UnreadableFile,
    opened,
    read,
)
from rocketd.config.task_settings import ENABLED, RESTART_DELAY
from rocketd.config.task_spec import FileSpec, read_spec
from rocketd.config.toml_document import TomlSyntaxError, decode_leniently, document_of, problems_of, text_of
from rocketd.config.toml_positions import Positions
from rocketd.config.trigger_cycles import without_cycles
from rocketd.core.instant import Instant
from rocketd.core.model.task import Disabled, Task

_HEADER: Final = re.compile(
    r"""^[ \t]*\[[ \t]*task[ \t]*\.[ \t]*(?:"([^"\n]+)"|'([^'\n]+)'|([\w-]+))[ \t]*\]""", re.MULTILINE
)


def disabled_of(tasks: Sequence[Task], text: str) -> tuple[Disabled, ...]:
    """Find the lines of these tasks in the text of their file."""
    lines = lines_of([task.name for task in tasks], text)
    return tuple(Disabled(task, lines[task.name]) for task in tasks)


def lines_of(names: Iterable[str], text: str) -> Mapping[str, int]:
    """Find the lines in which these tasks begin."""
    names = tuple(names)
    known = headers(text) if names else {}
    others = [Mistake(("task", name), "", at_key=True) for name in names if name not in known]
    positions = Positions(text, [mistake.path for mistake in others])
    found = {mistake.task: positions.find(mistake).line for mistake in others}
    return {name: known.get(name) or found[name] for name in names}


def headers(text: str) -> Mapping[str, int]:
    """Find the headers of tasks, as nearly every file has them: what knows all of TOML costs 10 MB.

    It needs no document: a file with a mistake in its TOML has headers as well.
    """
    lines: dict[str, int] = {}
    line, seen = 1, 0
    for header in _HEADER.finditer(text):
        line, seen = line + text.count("\n", seen, header.start()), header.start()
        lines[header[1] or header[2] or header[3]] = line
    return lines


def load(
    directories: Sequence[Path] = DEFAULT_DIRECTORIES,
    *,
    strict: bool = True,
    known: Collection[str] = (),
    at: Instant | None = None,
) -> LoadResult:
    """Load all task files; never raises for what is in them.

    Where several directories have a file of the same name, the last one's counts. A path may also be a single file.
    Not `strict` is for `check` by others than the daemon's user: files that the daemon would refuse are read all the
    same, with a warning, and tasks may be anybody's. `known` are names that count as loaded tasks.
    `at` is an instant as of which tasks are warned of that never start, or again and again; None: of none.
    """
    source = LoadSource(tuple(directories), strict, frozenset(known), at)
    return with_timeouts(lambda questions: _Loader(questions, source, None).loaded())


def reload(previous: LoadResult) -> LoadResult:
    """Load again from the same source; the tasks of files that have errors now stay as they were."""
    return with_timeouts(lambda questions: _Loader(questions, previous.source, previous).loaded())


def recheck_host(previous: LoadResult) -> LoadResult:
    """Load again what the host may answer otherwise by now; files that were edited, or are new, wait for a reload."""
    return with_timeouts(lambda questions: _Loader(questions, previous.source, previous, edits=False).loaded())


def load_settings(directories: Sequence[Path] = DEFAULT_DIRECTORIES, *, strict: bool = True) -> Settings | None:
    """The settings that `load` would give, without reading the other files; None if `rocketd.toml` has an error."""
    source = LoadSource(tuple(directories), strict)
    return with_timeouts(lambda questions: _Loader(questions, source, None).settings())


class _Loader:
    """One load."""

    def __init__(
        self, questions: HostQueries, source: LoadSource, previous: LoadResult | None, *, edits: bool = True
    ) -> None:
        """Without `edits`, what has changed in files does not count."""
        uid = os.geteuid()
        self._source = source
        self._unedited = None if edits or previous is None else HostRetry(previous)
        self._questions = questions
        self._rights = Rights(frozenset({0, uid}), source.strict)
        self._host = HostLookup(uid if source.strict else 0, questions=questions)
        self._compiler = TaskSpecCompiler(self._host)
        self._last_settings = previous.settings if previous else Settings()
        self._last_files = {file.name: file for file in previous.files if _has_tasks(file)} if previous else {}
        self._last_tasks = {task.name: task for task in previous.tasks} if previous else {}
        self._settings_good = True
        self._use(Settings() if edits else self._last_settings)

    def loaded(self) -> LoadResult:
        with opened(self._source.directories, self._rights, self._questions) as tree:
            entries = self._unedited.known_entries(tree.entries) if self._unedited else tree.entries
            read = [*map(self._file, sorted(entries, key=lambda entry: entry.name != SETTINGS_NAME))]  # the zone's name
            others = self._unedited.removed_files(read) if self._unedited else self._hidden(tree)
            files = sorted([*read, *others], key=lambda file: (file.name, file.path))
            tasks, misplaced = self._joined(files)
            problems = [*tree.problems, *(problem for file in files for problem in file.problems)]
            between = list(self._located(misplaced, tree))
        return LoadResult(
            tasks=tasks,
            problems=tuple(sorted(dict.fromkeys([*problems, *between]), key=_order)),
            settings=self._settings,
            settings_valid=self._settings_good,
            files=(*files, *_others(tree)),
            source=self._source,
            unreadable=tree.unreadable,
            excluded=tuple(
                Missing(one.task, one.file, one.line, one, file_is_loaded=True)
                for one in between
                if one.severity == "error"
            ),
        )

    def settings(self) -> Settings | None:
        """Read only what may hold settings."""
        with opened(self._source.directories, self._rights, self._questions) as tree:
            for entry in tree.entries:
                if entry.may_hold_settings:
                    self._file(entry)
        return self._settings if self._settings_good else None

    def _use(self, settings: Settings) -> None:
        try:
            self._host.daemon_zone = self._host.zone(settings.timezone)
        except BadValue:  # tasks that name no zone wait until there is one
            self._host.daemon_zone = None
        self._settings = settings

    def _file(self, entry: TaskFileEntry) -> LoadedFile:
        if entry.may_hold_settings:
            self._settings_good = False
        file = self._read(entry) if entry.directory.trusted else self._bad(entry.path, ())
        if entry.may_hold_settings and file.outcome is FileOutcome.MASKED:
            self._settings_good = True
        elif entry.may_hold_settings and not self._settings_good:
            self._use(self._last_settings)
            self._settings_good = self._unedited is not None and self._unedited.settings_valid
        return file

    def _read(self, entry: TaskFileEntry) -> LoadedFile:
        seen = self._unedited.previous_file(entry) if self._unedited else None
        if seen and not (seen.digest or seen.is_transient):
            return seen
        try:
            content, fault = read(entry, self._rights, self._questions)
        except (Masked, UnreadableFile) as refusal:
            return seen if seen and seen.digest else self._refused(entry.path, refusal)
        digest = hashlib.blake2b(content, digest_size=16).digest()
        last = self._last_files.get(entry.name)
        if last and last.path == entry.path and self._stays(last, digest):
            return last
        if seen and seen.digest and (seen.digest != digest or self._is_settled(seen)):
            return seen
        warnings = (fault.problem(entry.path, "warning"),) if fault else ()
        return self._parsed(entry, content, digest, warnings)

    def _refused(self, path: str, refusal: Masked | UnreadableFile) -> LoadedFile:
        if isinstance(refusal, Masked):
            return LoadedFile(path, FileOutcome.MASKED)
        return self._bad(path, (refusal.problem(path, "error"),))

    def _stays(self, last: LoadedFile, digest: bytes) -> bool:
        """Whether reading the file again would give the same."""
        unchanged = last.outcome is FileOutcome.LOADED and last.digest == digest and last.name != SETTINGS_NAME
        return unchanged and not last.problems and self._host.is_unchanged(last.answers)

    def _is_settled(self, seen: LoadedFile) -> bool:
        """Whether the host could only say the same of the file again."""
        return not seen.is_transient and seen.name != SETTINGS_NAME and self._host.is_unchanged(seen.answers)

    def _parsed(self, entry: TaskFileEntry, content: bytes, digest: bytes, warnings: tuple[Problem, ...]) -> LoadedFile:
        path = entry.path
        try:
            text = text_of(content, path)
            document = document_of(text, path)
        except TomlSyntaxError as mistake:
            return self._bad(path, (*warnings, mistake.problem), headers(decode_leniently(content)), digest)
        spec = read_spec(document, may_hold_settings=entry.may_hold_settings)
        if entry.may_hold_settings:
            self._take_settings(spec)
        answers = self._host.record_answers()
        tasks = self._compiled(spec, path)
        off = {task.name for task in spec.tasks if not task.values[ENABLED]}
        problems = warnings + (problems_of(spec.mistakes, text, path) if spec.mistakes else ())
        there = {task.name for task in tasks} | off
        if any(problem.excludes_file for problem in problems):
            names = [task.name for task in spec.tasks if task.name not in off]
            return self._bad(path, problems, lines_of(names, text), digest)
        lines = lines_of([task.name for task in spec.tasks if task.name not in there], text)
        return LoadedFile(
            path,
            FileOutcome.LOADED,
            tuple(task for task in tasks if task.name not in off),
            problems,
            disabled_of([task for task in tasks if task.name in off], text),
            missing_of(path, lines, problems, alone=True),
            digest,
            answers,
            frozenset(task.name for task in spec.tasks if RESTART_DELAY in task.values),
        )

    def _compiled(self, spec: FileSpec, path: str) -> list[Task]:
        tasks, wrong = [], len(spec.mistakes)
        for written in spec.tasks:
            if wrong > MAX_MISTAKES:  # nobody is told of more
                break
            task, mistakes = self._compiler.compile(written, path)
            wrong += sum(mistake.severity == "error" and mistake.fault is Fault.FILE for mistake in mistakes)
            spec.mistakes += mistakes
            task = task or self._as_before(written.name, path, mistakes)
            if task:
                tasks.append(task)
        return tasks

    def _as_before(self, name: str, path: str, mistakes: Sequence[Mistake]) -> Task | None:
        """A task about which the host did not answer stays; not if the host says that nobody is there to run it."""
        last = self._last_tasks.get(name)
        fault = {mistake.fault for mistake in mistakes if mistake.severity == "error"}
        return last if last and last.file == path and fault == {Fault.HOST} else None

    def _take_settings(self, spec: FileSpec) -> None:
        settings = settings_of(spec.sections, spec.logging)
        if settings.store.url and settings.store.repo:
            spec.mistakes.append(Mistake((Section.STORE, REPO.key), "there is a url already", "keep one", at_key=True))
        try:
            self._host.zone(settings.timezone)
        except BadValue as mistake:
            spec.mistakes += mistake.under((Section.ROCKETD, DAEMON_TIMEZONE.key))
        own = [mistake for mistake in spec.mistakes if mistake.severity == "error" and mistake.fault is Fault.FILE]
        if not any(mistake.path[:1] in _SETTINGS_PATHS for mistake in own):
            self._use(settings)
            self._settings_good = True

    def _bad(
        self, path: str, problems: tuple[Problem, ...], lines: Mapping[str, int] | None = None, digest: bytes = b""
    ) -> LoadedFile:
        last = self._last_files.get(os.path.basename(path))  # noqa: PTH119 - a string in, a string out
        missing = missing_of(path, lines or {}, problems)
        if last is None:
            return LoadedFile(path, FileOutcome.BAD, (), problems, (), missing, digest)
        return LoadedFile(path, FileOutcome.KEPT, last.tasks, problems, last.disabled, missing, digest)

    def _hidden(self, tree: TaskFileTree) -> Iterator[LoadedFile]:
        """Files of directories that cannot be looked into now: nobody has taken them away."""
        names = {entry.name for entry in tree.entries}
        for file in self._last_files.values():
            if file.name not in names and Path(file.path).parent in tree.unreadable:
                yield replace(file, outcome=FileOutcome.KEPT)

    def _joined(self, files: Sequence[LoadedFile]) -> tuple[tuple[Task, ...], list[TaskMistake]]:
        tasks, misplaced = without_duplicates(task for file in files for task in file.tasks)
        misplaced += without_cycles(tasks, self._last_tasks, watched := WatchedTasks())
        disabled = {one.task.name for file in files for one in file.disabled}
        kept_back = [(one.name, one.file) for file in files for one in file.missing]
        misplaced += unknown_tasks(tasks, watched, disabled, self._source.known, kept_back)
        if self._source.at is not None:
            misplaced += condition_warnings(
                ConditionQuestions.of(tasks, self._source.at, files), {one.task.name for one in misplaced}
            )
            misplaced += condition_notes(tasks.values())
        return tuple(tasks.values()), misplaced

    def _located(self, misplaced: Iterable[TaskMistake], tree: TaskFileTree) -> Iterator[Problem]:
        """Find the places of mistakes between files; their texts are read once more, for these lines alone."""
        by_file: dict[str, list[Mistake]] = {}
        for task, mistake in misplaced:
            by_file.setdefault(task.file, []).append(mistake)
        entries = {entry.path: entry for entry in tree.entries}
        for path, mistakes in by_file.items():
            text = self._text_again(entries[path]) if path in entries else ""
            yield from problems_of(mistakes, text, path)

    def _text_again(self, entry: TaskFileEntry) -> str:
        try:
            return decode_leniently(read(entry, self._rights, self._questions)[0])
        except (Masked, UnreadableFile):  # changed since; the problem stands without its line
            return ""


_SETTINGS_PATHS = {(Section.ROCKETD,), (Section.STORE,), (Section.MAIL,), (Section.LOGGING,)}


def _has_tasks(file: LoadedFile) -> bool:
    return file.outcome in (FileOutcome.LOADED, FileOutcome.KEPT)


def _others(tree: TaskFileTree) -> list[LoadedFile]:
    replaced = [LoadedFile(path, FileOutcome.REPLACED) for path in tree.replaced]
    return replaced + [LoadedFile(path, FileOutcome.IGNORED) for path in tree.ignored]


def _order(problem: Problem) -> tuple[str, str, int, int]:
    return (os.path.basename(problem.file), problem.file, problem.line, problem.column)  # noqa: PTH119 - as above
