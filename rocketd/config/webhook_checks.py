"""What `check` says of webhooks that tasks name."""

from collections.abc import Iterable, Iterator

from rocketd.config.cross_file_checks import TaskMistake
from rocketd.config.problems import Mistake
from rocketd.core.model.task import Task
from rocketd.core.notifications.webhook import Webhook
from rocketd.core.suggestion import did_you_mean


def unknown_webhooks(tasks: Iterable[Task], webhooks: Iterable[Webhook]) -> Iterator[TaskMistake]:
    """Find names of webhooks that `rocketd.toml` does not have: one warning for each name and file."""
    known = [webhook.name for webhook in webhooks]
    first_tasks: dict[tuple[str, str], Task] = {}
    for task in tasks:
        for name in task.webhooks or ():
            if name not in known:
                first_tasks.setdefault((task.file, name), task)
    for (_, name), task in first_tasks.items():
        hint = did_you_mean(name, known) or f"rocketd.toml needs a table [webhook.{name}]"
        message = f"there is no webhook '{name}', so nobody is told"
        yield TaskMistake(task, Mistake(("task", task.name, "webhooks"), message, hint, "warning", word=name))
