"""How other servers are reached."""

from typing import Final

from rocketd.core.dataclass import dataclass
from rocketd.core.instant import MINUTE, Duration
from rocketd.core.model.secret import Secret


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """How requests are sent."""

    proxy: str = ""
    """The URL of a proxy; empty: what the environment of the daemon says."""
    ca_file: str = ""
    """Certificates that are trusted; empty: those of the host."""
    pause: Duration = 0
    """The shortest time between two requests to a server."""


DIRECT: Final = HttpSettings()
"""Those if nothing is written."""


@dataclass(frozen=True, slots=True)
class HeartbeatUrl:
    """A URL that is requested as long as the daemon works."""

    url: Secret
    every: Duration = MINUTE
