"""The fields of a task that say who may operate it, and who may see its output."""

from dataclasses import replace
from typing import Any

from rocketd.config.access_settings import OPERATORS, VIEW_OUTPUT
from rocketd.config.host_lookup import HostLookup
from rocketd.config.problems import BadValue, Mistake
from rocketd.config.task_spec import TaskSpec
from rocketd.core.model.operators import NO_OPERATORS, Operators


def access_values(spec: TaskSpec, host: HostLookup, mistakes: list[Mistake]) -> dict[str, Any]:
    """Return them by their names in `Task`; an operator who does not exist is a warning."""
    uids, gids = set[int](), set[int]()
    for index, name in enumerate(spec.values[OPERATORS]):
        try:
            (gids if name.startswith("@") else uids).add(host.operator(name))
        except BadValue as error:
            path = (*spec.path(OPERATORS), index)
            mistakes += [replace(mistake, severity="warning") for mistake in error.under(path)]
    operators = Operators(frozenset(uids), frozenset(gids)) if uids or gids else NO_OPERATORS
    return {"operators": operators, "view_output": spec.values[VIEW_OUTPUT]}
