"""Asks systemd's own parser about what tasks tell it of their units: systemd-analyze(1), `verify`.

It knows every setting that this host's systemd knows. Where it is not installed, or there is no room for a temporary
file, nothing is asked.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from rocketd.config.unit_table import UnitLines

_HEAD: Final = ("[Service]", "ExecStart=/bin/true")
_SAID: Final = re.compile(r"^.*?/rocketd-check\.service:(\d+): (.*)$")
TIMEOUT: Final = 10.0
"""Seconds for an answer."""


class UnitComplaint(NamedTuple):
    """What systemd does not take."""

    key: str
    words: str
    """Its own."""


class UnitChecks:
    """Asks once for each table."""

    def __init__(self) -> None:
        self._known: dict[UnitLines, tuple[UnitComplaint, ...]] = {}

    def complaints(self, lines: UnitLines) -> tuple[UnitComplaint, ...]:
        """Return what systemd says against these lines."""
        if lines not in self._known:
            self._known[lines] = tuple(_ask(lines)) if lines else ()
        return self._known[lines]


def _ask(lines: UnitLines) -> Iterator[UnitComplaint]:
    from subprocess import TimeoutExpired  # noqa: PLC0415 - few tasks have settings of units

    try:
        answer = _answer(lines)
    except (OSError, TimeoutExpired):
        return
    for said in map(_SAID.match, answer.splitlines()):
        at = int(said[1]) - len(_HEAD) - 1 if said else -1
        if said is not None and 0 <= at < len(lines):
            yield UnitComplaint(lines[at][0], said[2].replace(", ignoring", "").rstrip("."))


def _answer(lines: UnitLines) -> str:
    from subprocess import run  # noqa: PLC0415 - as above
    from tempfile import TemporaryDirectory  # noqa: PLC0415 - with what it imports, half a megabyte

    with TemporaryDirectory(prefix="rocketd-") as directory:
        file = Path(directory, "rocketd-check.service")
        file.write_text("\n".join([*_HEAD, *(f"{key}={value}" for key, value in lines), ""]), encoding="utf-8")
        call = ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", str(file)]
        return run(call, capture_output=True, text=True, timeout=TIMEOUT, check=False).stderr  # noqa: S603 - ours
