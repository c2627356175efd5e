"""What plugins of Nagios, Icinga and their kin print: one line with perfdata, then details; and their exit codes.

See https://www.monitoring-plugins.org/doc/guidelines.html.
"""

import sys
from collections.abc import Mapping, Sequence
from enum import IntEnum

from rocketd.core.errors import RocketdError


class PluginState(IntEnum):
    """The exit codes."""

    OK = 0
    WARNING = 1
    CRITICAL = 2
    UNKNOWN = 3


def plugin_output(
    state: PluginState, text: str, perfdata: Mapping[str, str] | None = None, details: Sequence[str] = ()
) -> list[str]:
    """Return the lines; a bar would begin the perfdata, so that there is none in texts."""
    data = " ".join(f"{name}={value}" for name, value in (perfdata or {}).items())
    first = f"ROCKETD {state.name} - {_plain(text)}" + (f" | {data}" if data else "")
    return [first, *map(_plain, details)]


def report_unknown(error: RocketdError) -> PluginState:
    """Print why nothing can be said, and return the exit code."""
    hint = f" ({error.hint})" if error.hint else ""
    sys.stdout.write(f"{plugin_output(PluginState.UNKNOWN, error.message + hint)[0]}\n")
    return PluginState.UNKNOWN


def _plain(text: str) -> str:
    printable = "".join(character if character.isprintable() else " " for character in text)
    return " ".join(printable.split()).replace("|", "/")
