"""Tasks that would start each other for ever because patterns match them: among those, patterns do not count.

    tell:   after_any_fail("*")        each failure of one starts the other
    report: after_any_fail("*")        so neither starts for the other; for all other tasks, both do

So a new file never makes an old one refused. Names that are written out and close a cycle are an error instead.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from rocketd.core.conditions.after import After
from rocketd.core.history.selections import members_of
from rocketd.core.model.condition import all_parts
from rocketd.core.model.task_patterns import is_pattern

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rocketd.core.model.task import Task

Node = str | tuple[str, ...]
"""A task by its name, or a selection by its names."""


def pattern_cycles(tasks: Iterable[Task]) -> dict[str, int]:
    """Return the tasks that lie on a cycle of starts, by a number for those of one cycle; empty without patterns."""
    tasks = list(tasks)
    edges: dict[Node, list[Node]] = defaultdict(list)
    selections: set[tuple[str, ...]] = set()
    for task in tasks:
        for word in all_parts(task.when):
            if isinstance(word, After) and word.outcome != "missed":
                if word.has_patterns:
                    selections.add(word.tasks)
                    edges[word.tasks].append(task.name)
                else:
                    for name in word.tasks:
                        edges[name].append(task.name)
    if not selections:
        return {}
    tags = {task.name: task.tags for task in tasks}
    for names in selections:
        for name, _ in members_of(names, tags):
            edges[name].append(names)
    found = (component for component in _components(edges) if len(component) > 1)
    return {name: number for number, component in enumerate(found) for name in component if isinstance(name, str)}


def left_out(tasks: Iterable[Task]) -> dict[str, list[str]]:
    """Return for each task with a pattern the tasks that it does not follow, because they follow it."""
    tasks = list(tasks)
    cycles, tags = pattern_cycles(tasks), {task.name: task.tags for task in tasks}
    found: dict[str, list[str]] = {}
    for task in tasks if cycles else ():
        number = cycles.get(task.name)
        words = (word for word in all_parts(task.when) if isinstance(word, After) and word.has_patterns)
        matched = {name for word in words for name, _ in members_of(word.tasks, tags) if is_matched(name, word)}
        mates = sorted(name for name in matched - {task.name} if number is not None and cycles.get(name) == number)
        if mates:
            found[task.name] = mates
    return found


def is_matched(name: str, word: After) -> bool:
    """Whether a pattern of that word matches the task, rather than that it is named."""
    return not any(one == name for one in word.tasks if not is_pattern(one))


def _components(edges: Mapping[Node, list[Node]]) -> list[list[Node]]:
    """Return the strongly connected components (Tarjan), without recursion: chains of tasks are long."""
    order: dict[Node, int] = {}
    low: dict[Node, int] = {}
    stack: list[Node] = []
    on_stack: set[Node] = set()
    found: list[list[Node]] = []
    for root in list(edges):
        if root in order:
            continue
        work = [(root, iter(edges.get(root, ())))]
        order[root] = low[root] = len(order)
        stack.append(root)
        on_stack.add(root)
        while work:
            node, others = work[-1]
            for other in others:
                if other not in order:
                    order[other] = low[other] = len(order)
                    stack.append(other)
                    on_stack.add(other)
                    work.append((other, iter(edges.get(other, ()))))
                    break
                if other in on_stack:
                    low[node] = min(low[node], order[other])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == order[node]:
                    found.append(_popped(stack, on_stack, node))
    return found


def _popped(stack: list[Node], on_stack: set[Node], last: Node) -> list[Node]:
    component: list[Node] = []
    while not component or component[-1] != last:
        component.append(stack.pop())
        on_stack.discard(component[-1])
    return component
