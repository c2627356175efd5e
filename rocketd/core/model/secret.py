"""A secret: a text that is never shown, written down, or kept in a file or in a credential of systemd."""

from rocketd.core.dataclass import dataclass, field


@dataclass(frozen=True, slots=True)
class Secret:
    """Exactly one of these is not empty."""

    text: str = field(default="", repr=False)
    file: str = ""
    """The path of a file whose first line it is."""
    credential: str = ""
    """The name of a credential of the service (systemd.exec(5), LoadCredential=)."""

    @property
    def shown(self) -> str:
        """Return what may be shown of it: where it is, and of a URL the server."""
        if self.file:
            return f"the URL in {self.file}"
        if self.credential:
            return f"the URL in credential {self.credential}"
        return origin_of(self.text) or "a URL"


def origin_of(url: str) -> str:
    """Return scheme, host and port of a URL, without what may be secret: user, path and parameters; empty: none."""
    scheme, found, rest = url.partition("://")
    host = rest.partition("/")[0].partition("?")[0].partition("#")[0].rpartition("@")[2]
    return f"{scheme}://{host}" if found and host else ""
