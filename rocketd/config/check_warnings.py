"""The warnings and notes that `rocketctl check` adds about tasks without errors; the daemon does not look for them."""

from collections.abc import Mapping, Sequence

from rocketd.config.condition_notes import condition_notes
from rocketd.config.condition_warnings import ConditionQuestions, condition_warnings
from rocketd.config.cross_file_checks import TaskMistake
from rocketd.config.executor_notes import executor_notes, sandbox_warnings
from rocketd.config.load_result import LoadedFile, LoadSource
from rocketd.config.pattern_checks import pattern_mistakes
from rocketd.config.trap_warnings import trap_warnings
from rocketd.core.model.task import ExecutorKind, Task


def warnings(
    tasks: Mapping[str, Task],
    files: Sequence[LoadedFile],
    source: LoadSource,
    executor: ExecutorKind,
    mistakes: Sequence[TaskMistake],
) -> list[TaskMistake]:
    """Return those about these tasks, of which `mistakes` are known; `executor` is that of `[rocketd]`."""
    found: list[TaskMistake] = []
    if source.at is not None:
        questions = ConditionQuestions.of(tasks, source.at, files)
        found += condition_warnings(questions, {one.task.name for one in mistakes})
        found += [*condition_notes(tasks.values()), *pattern_mistakes(tasks, source.known)]
        found += trap_warnings(tasks, source.at, executor)
        if not source.confined:
            found += executor_notes(tasks.values(), executor)
    if source.confined:
        found += sandbox_warnings(tasks.values(), executor)
    return found
