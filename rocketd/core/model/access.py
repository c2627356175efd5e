"""Who may do what: decided for each request, from the ids that the kernel gives of the process that asks."""

from collections.abc import Iterable

from rocketd.core.dataclass import dataclass
from rocketd.core.model.operators import Operators
from rocketd.core.model.task import Task


@dataclass(frozen=True, slots=True)
class Access:
    """What one process may do; everything is denied that is not granted here."""

    uid: int
    groups: frozenset[int]
    full: bool = False
    """Whether it may do everything."""
    view: bool = False
    """Whether it may look at all tasks, but at output only of those that let it be seen."""

    def may_operate(self, task: Task | None) -> bool:
        """Whether it may run, stop, pause and resume this task; None: one that is not in the files."""
        return self.full or (task is not None and self.is_among(task.operators))

    def is_among(self, operators: Operators) -> bool:
        """Whether it is one of these, itself or by one of its groups."""
        return self.uid in operators.uids or not self.groups.isdisjoint(operators.gids)

    def may_see(self, task: Task | None) -> bool:
        """Whether it may see that there is this task, its runs and what it waits for."""
        return self.view or self.may_operate(task)

    def may_see_output(self, task: Task | None) -> bool:
        """Whether it may see what the runs of this task print."""
        return self.may_operate(task) or (self.view and task is not None and task.view_output)


def all_operators(tasks: Iterable[Task]) -> Operators:
    """Return the operators of these tasks together."""
    each = {id(task.operators): task.operators for task in tasks if task.operators}.values()
    return Operators(
        frozenset().union(*(operators.uids for operators in each)),
        frozenset().union(*(operators.gids for operators in each)),
    )
