"""One call of `rocketctl`: its command line, its time, and its terminal."""

from datetime import tzinfo
from typing import NamedTuple

from rocketd.cli.exit_codes import UsageError
from rocketd.cli.parser import Choices
from rocketd.cli.render.tables import RenderOptions
from rocketd.cli.render.terminal import Terminal
from rocketd.core.errors import RocketdError
from rocketd.core.instant import Instant


class Context(NamedTuple):
    """What every verb gets."""

    choices: Choices
    terminal: Terminal
    now: Instant

    @property
    def look(self) -> RenderOptions:
        """Return how to draw on this terminal."""
        return RenderOptions(self.now, None if self.choices.full else self.terminal.columns, bool(self.terminal.colour))


def time_point(text: str, now: Instant, zone: tzinfo | None = None) -> Instant:
    """Read a point in time, in the zone of this process unless another is given. Raises UsageError."""
    from rocketd.core.calendar.time_point import parse_time_point  # noqa: PLC0415 - few calls need it
    from rocketd.time_zones import local_zone  # noqa: PLC0415 - zones cost start-up time

    try:
        return parse_time_point(text, now, zone or local_zone())
    except RocketdError as error:
        raise UsageError(error.message, hint=error.hint) from None
