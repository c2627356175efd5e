"""Finds the units of runs that another daemon has started, and what is left of others."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from rocketd.executor.unit.manager import SERVICE, UnitManager
from rocketd.executor.unit.outcome import has_ended, unit_state
from rocketd.executor.unit.run_files import RunFiles
from rocketd.executor.unit.unit_name import PATTERN
from rocketd.executor.unit.unit_run import UnitRun


@dataclass(frozen=True, slots=True)
class FoundUnits:
    """The units that systemd has of us."""

    sub_states: Mapping[str, str]
    """Of all of them."""
    active: Sequence[UnitRun]
    ended: Sequence[UnitRun]


async def find_units(manager: UnitManager, runs: Sequence[UnitRun]) -> FoundUnits:
    """Return which of these runs have a unit; raises ConnectionLost, UnitRefused."""
    sub_states = await manager.units(PATTERN)
    candidates = [one for one in runs if one.unit in sub_states]
    await asyncio.gather(*(_read(manager, one) for one in candidates))
    found = [one for one in candidates if unit_state(one.properties).run_id == one.run.run_id]
    return FoundUnits(
        sub_states,
        active=[one for one in found if not has_ended(sub_states[one.unit])],
        ended=[one for one in found if has_ended(sub_states[one.unit])],
    )


async def _read(manager: UnitManager, one: UnitRun) -> None:
    one.properties = await manager.properties(one.path, SERVICE)


async def sweep(manager: UnitManager, files: RunFiles, found: FoundUnits) -> None:
    """Collect units whose ends are recorded, and remove the files of runs that have no unit; raises ConnectionLost."""
    needed: Collection[UnitRun] = (*found.active, *found.ended)
    units = {one.unit for one in needed}
    for unit, sub_state in found.sub_states.items():
        if unit not in units and has_ended(sub_state):
            await manager.collect(unit)
    for run_id in set(files.run_ids()) - {one.run.run_id for one in needed}:
        files.remove(run_id)
