"""Which tasks of the hosts of a fleet are wanted, and in which of its pages."""

from typing import Final, NamedTuple

FLEET_STATES: Final = ("running", "failed", "late", "missed", "paused", "one")
"""What a list of the tasks of all hosts can be limited to. One: tasks that one of the hosts runs."""
MAX_FLEET_TASKS: Final = 20_000
"""Tasks of all hosts in one answer."""


class FleetTaskFilter(NamedTuple):
    """Which tasks are wanted, by name and then by host."""

    match: str = ""
    """A part of the name, the description, the condition or a tag; or a pattern of names as in a shell."""
    host: str = ""
    state: str = ""
    """One of `FLEET_STATES`; empty: any."""
    limit: int = MAX_FLEET_TASKS
    after: tuple[str, str] | None = None
    """The task and the host after which the page begins."""


class FleetRunName(NamedTuple):
    """What names a run of some host: `HOST/SCOPE/RUN_ID`."""

    host: str
    scope: str
    """The state directory that has counted it."""
    run_id: str
