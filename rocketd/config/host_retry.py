"""Which task files count when only the host has changed: those that were loaded last, without later edits."""

from collections.abc import Collection, Iterable, Iterator

from rocketd.config.load_result import FileOutcome, LoadedFile, LoadResult
from rocketd.config.task_files import TaskFileEntry


class HostRetry:
    """The files as they were loaded."""

    def __init__(self, previous: LoadResult) -> None:
        self.settings_valid = previous.settings_valid
        self._closed = previous.unreadable
        self._previous_files = {file.path: file for file in previous.files}

    def previous_file(self, entry: TaskFileEntry) -> LoadedFile | None:
        """What became of that file."""
        return self._previous_files.get(entry.path)

    def known_entries(self, entries: Iterable[TaskFileEntry]) -> list[TaskFileEntry]:
        """Leave out new files, but where nobody could look before."""
        return [
            entry for entry in entries if entry.path in self._previous_files or entry.directory.path in self._closed
        ]

    def removed_files(self, files: Collection[LoadedFile]) -> Iterator[LoadedFile]:
        """Yield the files that are gone or replaced by now: only a reload drops their tasks."""
        names = {file.name for file in files}
        for file in self._previous_files.values():
            if file.name not in names and file.outcome in (FileOutcome.LOADED, FileOutcome.KEPT, FileOutcome.MASKED):
                yield file
