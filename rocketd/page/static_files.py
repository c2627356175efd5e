"""The files of the page, as the package carries them: read once, so that no path from a request reaches the disk."""

from collections.abc import Iterator, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final, NamedTuple

CONTENT_TYPES: Final[Mapping[str, str]] = {
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "svg": "image/svg+xml",
}


class StaticFile(NamedTuple):
    """One file, and the media type that browsers are told."""

    content_type: str
    content: bytes


def static_files() -> Mapping[str, StaticFile]:
    """Return the files by the path of their URL: `/`, `/main.js`, `/views/day.js`."""
    found = dict(_below(files("rocketd.page") / "static", "/"))
    return {**found, "/": found["/index.html"]}


def _below(directory: Traversable, path: str) -> Iterator[tuple[str, StaticFile]]:
    for entry in directory.iterdir():
        content_type = CONTENT_TYPES.get(entry.name.rpartition(".")[2])
        if entry.is_dir():
            yield from _below(entry, f"{path}{entry.name}/")
        elif content_type is not None:
            yield path + entry.name, StaticFile(content_type, entry.read_bytes())
