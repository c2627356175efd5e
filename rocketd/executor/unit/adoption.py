"""Finds the units of runs that another daemon has started, and what is left of others."""

import asyncio
import signal
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress

from rocketd.core.dataclass import dataclass
from rocketd.executor.unit.manager import SERVICE, UnitManager, UnitRefused
from rocketd.executor.unit.outcome import has_ended, unit_state
from rocketd.executor.unit.run_files import RunFiles
from rocketd.executor.unit.unit_name import UnitNames, object_path
from rocketd.executor.unit.unit_run import UnitRun


@dataclass(frozen=True, slots=True)
class FoundUnits:
    """The units that systemd has of us."""

    sub_states: Mapping[str, str]
    """Of all runs."""
    commands: Sequence[str]
    """The units of commands that the last daemon did not end."""
    active: Sequence[UnitRun]
    ended: Sequence[UnitRun]


async def find_units(manager: UnitManager, names: UnitNames, runs: Sequence[UnitRun]) -> FoundUnits:
    """Return which of these runs have a unit; raises ConnectionLost, UnitRefused."""
    sub_states = {unit: state for unit, state in (await manager.units(names.runs)).items() if names.is_run(unit)}
    await _find_renamed(manager, set(sub_states), runs)
    candidates = [one for one in runs if one.unit in sub_states]
    await asyncio.gather(*(_read(manager, one) for one in candidates))
    found = [one for one in candidates if unit_state(one.properties).run_id == one.run.run_id]
    return FoundUnits(
        sub_states,
        commands=tuple(await manager.units(names.commands)),
        active=[one for one in found if not has_ended(sub_states[one.unit])],
        ended=[one for one in found if has_ended(sub_states[one.unit])],
    )


async def _is_of_rocketd(manager: UnitManager, unit: str) -> bool:
    """Whether a unit is that of a run; the administrator may have services with such names."""
    try:
        return bool(unit_state(await manager.properties(object_path(unit), SERVICE)).run_id)
    except UnitRefused:
        return False


async def _find_renamed(manager: UnitManager, units: set[str], runs: Sequence[UnitRun]) -> None:
    """Find by their run ids the units of runs whose task has another name since."""
    without = {one.run.run_id: one for one in runs if one.unit not in units}
    for unit in sorted(units - {one.unit for one in runs}) if without else ():
        with suppress(UnitRefused):
            run_id = unit_state(await manager.properties(object_path(unit), SERVICE)).run_id
            if run_id in without:
                without[run_id].unit = unit


async def _read(manager: UnitManager, one: UnitRun) -> None:
    one.properties = await manager.properties(one.path, SERVICE)


async def sweep(manager: UnitManager, files: RunFiles, found: FoundUnits) -> None:
    """Collect units whose ends are recorded, end commands, and remove files without a unit; raises ConnectionLost."""
    needed: Collection[UnitRun] = (*found.active, *found.ended)
    units = {one.unit for one in needed}
    for unit, sub_state in found.sub_states.items():
        if unit not in units and has_ended(sub_state) and await _is_of_rocketd(manager, unit):
            await manager.collect(unit)
    for unit in found.commands:  # hooks are run again, conditions are asked again
        with suppress(UnitRefused):
            await manager.kill(unit, signal.SIGKILL)
        await manager.collect(unit)
    for run_id in set(files.run_ids()) - {one.run.run_id for one in needed}:
        files.remove(run_id)
