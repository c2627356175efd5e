"""Which state directory this is: an id that a copy of the machine or of the directory does not share for long.

The id stands in `fleet.json`, with the name and the machine that it was made for. On another machine, or under another
name, the directory is a copy, and gets an id of its own: what it records from then on is not mixed with what the
original records. What was recorded before belongs to the original, which has sent it.
"""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Final
from uuid import UUID, uuid4

from rocketd.atomic_file import replace_file
from rocketd.core.dataclass import dataclass
from rocketd.core.errors import StoreError
from rocketd.store.errors import translating_errors
from rocketd.store.regular_file import read_regular

FILE_NAME: Final = "fleet.json"
_MACHINE_ID: Final = Path("/etc/machine-id")
_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True)
class StateIdentity:
    """The id of a state directory, and whose it was when the id was made."""

    state_id: str
    host: str
    machine: str
    sent_elsewhere: int = 0
    """Up to which place in the run log the records belong to the original of this copy."""


def identify(directory: Path, host: str, newest: int) -> tuple[StateIdentity, str]:
    """Return the identity of the state directory, and a note if it is a new one for a copy. Raises StoreError.

    `newest`: the newest place in its run log.
    """
    known, machine = _load(directory), _machine()
    if known is not None and (known.host, known.machine) == (host, machine):
        return known, ""
    made = StateIdentity(str(uuid4()), host, machine, 0 if known is None else newest)
    _save(directory, made)
    if known is None:
        return made, ""
    whose = f"of {known.host}" if known.host != host else "of another machine"
    note = f"this state directory was that {whose}: what it records from now on is sent as the history of {host}"
    return made, note


def place_of(directory: Path) -> str:
    """Return what no copy shares: the boot of this kernel, and the directory itself.

    Whoever holds the directory's lock in the same boot can only be the next daemon there.
    """
    status = directory.stat()
    return f"{_BOOT_ID.read_text(encoding='ascii').strip()} {status.st_dev}:{status.st_ino}"


def _machine() -> str:
    try:
        return _MACHINE_ID.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""  # a container may have none


def _load(directory: Path) -> StateIdentity | None:
    path = directory / FILE_NAME
    with translating_errors(path):
        try:
            saved = json.loads(read_regular(path))
            identity = StateIdentity(
                str(UUID(saved["state_id"])), str(saved["host"]), str(saved["machine"]), int(saved["sent_elsewhere"])
            )
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            hint = "delete it: the history of this host then begins anew for the fleet"
            raise StoreError(f"{path} is damaged: {error}", hint=hint) from error
    return identity


def _save(directory: Path, identity: StateIdentity) -> None:
    path = directory / FILE_NAME
    with translating_errors(path):
        replace_file(path, json.dumps(asdict(identity)).encode(), mode=0o640)
