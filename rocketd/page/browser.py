"""Opens the page in the user's browser, without its token in the arguments of a process, which all users can read."""

import html
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path


def can_open(environment: Mapping[str, str]) -> bool:
    """Tell whether there is a desktop here to open a browser on: not on a server, not over ssh, not as root."""
    has_display = environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY")
    return bool(has_display) and not environment.get("SSH_CONNECTION") and os.geteuid() != 0 and _opener() is not None


@contextmanager
def opened(address: str, environment: Mapping[str, str]) -> Iterator[None]:
    """Open a file, readable for this user only, that leads to the address; it is deleted at the end."""
    with tempfile.TemporaryDirectory(prefix="rocketctl-web-", dir=environment.get("XDG_RUNTIME_DIR")) as directory:
        page = Path(directory, "open.html")
        page.touch(0o600)
        page.write_text(_redirect(address), encoding="utf-8")
        if (opener := _opener()) is not None:
            subprocess.Popen(  # noqa: S603 - the desktop's own program; nobody waits for it
                [opener, page.as_uri()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        yield


def _opener() -> str | None:
    return shutil.which("xdg-open")


def _redirect(address: str) -> str:
    quoted = html.escape(address, quote=True)
    return (
        '<!DOCTYPE html>\n<meta charset="utf-8">\n<meta name="referrer" content="no-referrer">\n'
        f'<meta http-equiv="refresh" content="0; url={quoted}">\n<a href="{quoted}">Scheduled tasks</a>\n'
    )
