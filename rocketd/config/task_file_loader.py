"""One load of the task files: each file, and then all of them together."""

import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from rocketd.config.calendar_lookup import CalendarLookup
from rocketd.config.compiler import TaskSpecCompiler
from rocketd.config.cross_file_checks import TaskMistake, WatchedTasks, unknown_tasks, without_duplicates
from rocketd.config.daemon_settings import DAEMON_TIMEZONE, DEFAULTS, Settings, settings_of
from rocketd.config.former_name_checks import check_former_names
from rocketd.config.host_lookup import HostLookup
from rocketd.config.host_queries import HostQueries
from rocketd.config.host_retry import HostRetry
from rocketd.config.load_result import FileOutcome, LoadedFile, LoadResult, LoadSource, Missing, missing_of
from rocketd.config.problems import MAX_MISTAKES, BadValue, Fault, Mistake, Problem, by_place
from rocketd.config.run_on_checks import without_impossible
from rocketd.config.setting import Section
from rocketd.config.settings_checks import settings_mistakes
from rocketd.config.task_files import (
    SETTINGS_NAME,
    Masked,
    Rights,
    TaskFileEntry,
    TaskFileTree,
    UnreadableFile,
    opened,
    read,
)
from rocketd.config.task_headers import disabled_of, headers, lines_of
from rocketd.config.task_settings import ENABLED, HOSTS, RESTART_DELAY
from rocketd.config.task_spec import CALENDARS, HOST_SECTIONS, WEBHOOKS, FileSpec, read_spec
from rocketd.config.toml_document import TomlSyntaxError, decode_leniently, document_of, problems_of, text_of
from rocketd.config.trigger_cycles import without_cycles
from rocketd.config.webhook_checks import unknown_webhooks
from rocketd.core.model.task import Task


class TaskFileLoader:
    """One load."""

    def __init__(
        self, queries: HostQueries, source: LoadSource, previous: LoadResult | None, *, edits: bool = True
    ) -> None:
        """Without `edits`, what has changed in files does not count."""
        uid = os.geteuid()
        self._source = source
        self._host_retry = None if edits or previous is None else HostRetry(previous)
        self._queries = queries
        self._rights = Rights(frozenset({0, uid}), source.strict)
        self._calendars = CalendarLookup(self._rights, queries)
        self._host = HostLookup(uid if source.strict else 0, queries=queries)
        self._host.calendars = self._calendars
        self._compiler = TaskSpecCompiler(self._host)
        self._last_settings = previous.settings if previous else DEFAULTS
        self._last_files = {file.name: file for file in previous.files if _has_tasks(file)} if previous else {}
        self._last_tasks = {task.name: task for task in previous.tasks} if previous else {}
        self._settings_good = True
        self._calendars_known = previous is not None and previous.calendars_known
        self._use_settings(source.settings if edits else self._last_settings)

    def loaded(self) -> LoadResult:
        with opened(self._source.directories, self._rights, self._queries) as tree:
            entries = self._host_retry.known_entries(tree.entries) if self._host_retry else tree.entries
            first = sorted(entries, key=lambda entry: entry.name != SETTINGS_NAME)  # the zone, and the calendars
            read = [*map(self._load_file, first)]
            others = self._host_retry.removed_files(read) if self._host_retry else self._unreadable_files(tree)
            files = sorted(map(self._renewed, [*read, *others]), key=lambda file: (file.name, file.path))
            tasks, mistakes = self._check_across_files(files)
            calendars = self._calendars.declared()
            problems = [*tree.problems, *(problem for file in files for problem in file.problems)]
            problems += self._calendars.problems(self._source.at)
            between = list(self._located(mistakes, tree))
        return LoadResult(
            tasks=tasks,
            problems=tuple(sorted(dict.fromkeys([*problems, *between]), key=by_place)),
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
            calendars=calendars,
            calendar_files=self._calendars.files,
            calendars_known=self._calendars_known or self._settings_good,
        )

    def _renewed(self, file: LoadedFile) -> LoadedFile:
        """Give tasks that stay as they were, whatever is in their file by now, what their calendars say now."""
        tasks = tuple(map(self._calendars.renewed, file.tasks))
        return replace(file, tasks=tasks) if tasks != file.tasks else file

    def settings(self) -> Settings | None:
        """Read only what may hold settings."""
        with opened(self._source.directories, self._rights, self._queries) as tree:
            for entry in [one for one in tree.entries if one.may_hold_settings]:
                self._load_file(entry)
        return self._settings if self._settings_good else None

    def calendars(self) -> CalendarLookup:
        """Read only what may hold settings, and find calendars by it."""
        self.settings()
        return self._calendars

    def _use_settings(self, settings: Settings) -> None:
        self._host.name = settings.fleet.host or os.uname().nodename
        self._host.tags = settings.fleet.tags
        try:
            self._host.daemon_zone = self._host.zone(settings.timezone)
        except BadValue:  # tasks that name no zone wait until there is one
            self._host.daemon_zone = None
        self._settings = settings
        self._calendars.use(settings.calendars)

    def _load_file(self, entry: TaskFileEntry) -> LoadedFile:
        self._host.record_answers()  # what is asked about this file is not that of the last one
        if entry.may_hold_settings:
            self._settings_good = False
        file = self._read(entry) if entry.directory.trusted else self._failed_file(entry.path, ())
        if entry.may_hold_settings and file.outcome is FileOutcome.MASKED:
            self._settings_good = True
        elif entry.may_hold_settings and not self._settings_good:
            self._use_settings(self._last_settings)
            if not self._calendars_known:
                self._calendars.use({}, unusable=f"{entry.path} is not loaded")
            self._settings_good = self._host_retry is not None and self._host_retry.settings_valid
        return file

    def _read(self, entry: TaskFileEntry) -> LoadedFile:
        previous = self._host_retry.previous_file(entry) if self._host_retry else None
        if previous and not (previous.digest or previous.is_transient):
            return previous
        try:
            content, fault = read(entry, self._rights, self._queries)
        except (Masked, UnreadableFile) as refusal:
            return previous if previous and previous.digest else self._refused(entry.path, refusal)
        digest = hash(content).to_bytes(8, signed=True)  # with a key of this process, which alone compares it
        last = self._last_files.get(entry.name)
        if last and last.path == entry.path and self._is_unchanged(last, digest):
            return last
        if previous and previous.digest and (previous.digest != digest or self._is_same_for_host(previous)):
            return previous
        warnings = (fault.problem(entry.path, "warning"),) if fault else ()
        return self._parsed(entry, content, digest, warnings)

    def _refused(self, path: str, refusal: Masked | UnreadableFile) -> LoadedFile:
        if isinstance(refusal, Masked):
            return LoadedFile(path, FileOutcome.MASKED)
        return self._failed_file(path, (refusal.problem(path, "error"),))

    def _is_unchanged(self, last: LoadedFile, digest: bytes) -> bool:
        """Whether reading the file again would give the same."""
        unchanged = last.outcome is FileOutcome.LOADED and last.digest == digest and last.name != SETTINGS_NAME
        return unchanged and not last.problems and self._host.is_unchanged(last.answers)

    def _is_same_for_host(self, previous: LoadedFile) -> bool:
        """Whether the host could only say the same of the file again."""
        return (
            not previous.is_transient and previous.name != SETTINGS_NAME and self._host.is_unchanged(previous.answers)
        )

    def _parsed(self, entry: TaskFileEntry, content: bytes, digest: bytes, warnings: tuple[Problem, ...]) -> LoadedFile:
        path = entry.path
        try:
            text = text_of(content, path)
            document = document_of(text, path)
        except TomlSyntaxError as mistake:
            return self._failed_file(path, (*warnings, mistake.problem), headers(decode_leniently(content)), digest)
        spec = read_spec(document, may_hold_settings=entry.may_hold_settings)
        if entry.may_hold_settings:
            self._read_settings(spec)
        answers = self._host.record_answers()
        elsewhere = {task.name for task in spec.tasks if not self._host.is_selected(task.values[HOSTS])}
        tasks = self._compiled(spec, path, elsewhere)
        disabled = {task.name for task in spec.tasks if not task.values[ENABLED]} | elsewhere
        problems = warnings + (problems_of(spec.mistakes, text, path) if spec.mistakes else ())
        present = {task.name for task in tasks} | disabled
        if any(problem.excludes_file for problem in problems):
            names = [task.name for task in spec.tasks if task.name not in disabled]
            return self._failed_file(path, problems, lines_of(names, text), digest)
        lines = lines_of([task.name for task in spec.tasks if task.name not in present], text)
        return LoadedFile(
            path,
            FileOutcome.LOADED,
            tuple(task for task in tasks if task.name not in disabled),
            problems,
            disabled_of([task for task in tasks if task.name in disabled], text, elsewhere),
            missing_of(path, lines, problems, alone=True),
            digest,
            answers,
            frozenset(task.name for task in spec.tasks if RESTART_DELAY in task.values),
        )

    def _compiled(self, spec: FileSpec, path: str, elsewhere: Collection[str]) -> list[Task]:
        tasks, wrong = [], len(spec.mistakes)
        for task_spec in spec.tasks:
            if wrong > MAX_MISTAKES:  # more are not reported
                break
            task, mistakes = self._compiler.compile(task_spec, path)
            if task_spec.name in elsewhere:  # what this host lacks does not matter
                mistakes = [one for one in mistakes if one.severity == "error" and one.fault is Fault.FILE]
            wrong += sum(mistake.severity == "error" and mistake.fault is Fault.FILE for mistake in mistakes)
            spec.mistakes += mistakes
            task = task or self._previous_task(task_spec.name, path, mistakes)
            if task:
                tasks.append(task)
        return tasks

    def _previous_task(self, name: str, path: str, mistakes: Sequence[Mistake]) -> Task | None:
        """Return the last version if the host did not answer; None if the host says that the user does not exist."""
        last = self._last_tasks.get(name)
        fault = {mistake.fault for mistake in mistakes if mistake.severity == "error"}
        return last if last and last.file == path and fault == {Fault.HOST} else None

    def _read_settings(self, spec: FileSpec) -> None:
        settings = settings_of(spec.sections, spec.logging, spec.webhooks, spec.calendars)
        spec.mistakes += settings_mistakes(settings, confined=self._source.confined)
        try:
            self._host.zone(settings.timezone)
        except BadValue as mistake:
            spec.mistakes += mistake.under((Section.ROCKETD, DAEMON_TIMEZONE.key))
        own = [mistake for mistake in spec.mistakes if mistake.severity == "error" and mistake.fault is Fault.FILE]
        if not any(mistake.path[:1] in _SETTINGS_PATHS for mistake in own):
            self._use_settings(settings)
            self._settings_good = True

    def _failed_file(
        self, path: str, problems: tuple[Problem, ...], lines: Mapping[str, int] | None = None, digest: bytes = b""
    ) -> LoadedFile:
        last = self._last_files.get(os.path.basename(path))  # noqa: PTH119 - a string in, a string out
        missing = missing_of(path, lines or {}, problems)
        if last is None:
            return LoadedFile(path, FileOutcome.BAD, (), problems, (), missing, digest)
        return LoadedFile(path, FileOutcome.KEPT, last.tasks, problems, last.disabled, missing, digest)

    def _unreadable_files(self, tree: TaskFileTree) -> Iterator[LoadedFile]:
        """Files of directories that cannot be looked into now: nobody has taken them away."""
        names = {entry.name for entry in tree.entries}
        for file in self._last_files.values():
            if file.name not in names and Path(file.path).parent in tree.unreadable:
                yield replace(file, outcome=FileOutcome.KEPT)

    def _check_across_files(self, files: Sequence[LoadedFile]) -> tuple[tuple[Task, ...], list[TaskMistake]]:
        tasks, mistakes = without_duplicates(task for file in files for task in file.tasks)
        mistakes += without_cycles(tasks, self._last_tasks, watched_tasks := WatchedTasks())
        mistakes += without_impossible(tasks, self._settings.fleet, watched_tasks)
        disabled = {one.task.name: one for file in files for one in file.disabled}
        excluded = [(one.name, one.file) for file in files for one in file.missing]
        mistakes += unknown_tasks(tasks, watched_tasks, disabled, self._source.known, excluded)
        mistakes += check_former_names(tasks, {*tasks, *disabled, *dict(excluded)})
        mistakes += unknown_webhooks(tasks.values(), self._settings.webhooks) if self._settings_good else ()
        if self._source.at is not None or self._source.confined:
            from rocketd.config.check_warnings import warnings  # noqa: PLC0415 - a third of the start-up, for `check`

            mistakes += warnings(tasks, files, self._source, self._settings.executor, mistakes)
        return tuple(tasks.values()), [one for one in mistakes if one.mistake.kind not in one.task.ignored_warnings]

    def _located(self, task_mistakes: Iterable[TaskMistake], tree: TaskFileTree) -> Iterator[Problem]:
        """Find the places of mistakes between files; their texts are read once more, for these lines alone."""
        by_file: dict[str, list[Mistake]] = {}
        for task, mistake in task_mistakes:
            by_file.setdefault(task.file, []).append(mistake)
        entries = {entry.path: entry for entry in tree.entries}
        for path, mistakes in by_file.items():
            text = self._reread(entries[path]) if path in entries else ""
            yield from problems_of(mistakes, text, path)

    def _reread(self, entry: TaskFileEntry) -> str:
        try:
            return decode_leniently(read(entry, self._rights, self._queries)[0])
        except (Masked, UnreadableFile):  # changed since; report the problem without its line
            return ""


_SETTINGS_PATHS = {(section,) for section in (*HOST_SECTIONS, WEBHOOKS, CALENDARS, Section.LOGGING)}


def _has_tasks(file: LoadedFile) -> bool:
    return file.outcome in (FileOutcome.LOADED, FileOutcome.KEPT)


def _others(tree: TaskFileTree) -> list[LoadedFile]:
    replaced = [LoadedFile(path, FileOutcome.REPLACED) for path in tree.replaced]
    return replaced + [LoadedFile(path, FileOutcome.IGNORED) for path in tree.ignored]
