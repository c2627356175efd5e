"""The page in a real browser: Debian's chromium, driven by Playwright, and what it complained about."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from http.client import HTTPConnection
from pathlib import Path
from typing import Final, Literal, Self, TypeAlias
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Frame, Page, ViewportSize, expect, sync_playwright

CHROMIUM: Final = shutil.which("chromium")
TIMEOUT: Final = 60_000.0
"""Milliseconds after which something that should be on the page is not."""
WIDE: Final = ViewportSize(width=1280, height=900)
NARROW: Final = ViewportSize(width=400, height=850)

Scheme: TypeAlias = Literal["dark", "light"]

# Reports what the policy of the page has blocked; runs before any script of the page.
_LISTEN_FOR_VIOLATIONS: Final = """
    addEventListener("securitypolicyviolation", event => {
        if (event.sourceFile !== "") console.error(`blocked: ${event.violatedDirective} ${event.blockedURI}`);
    });
"""


def need_chromium() -> None:
    """Skip a test where there is no browser; in CI there is one."""
    if CHROMIUM is None:
        (pytest.fail if "CI" in os.environ else pytest.skip)("chromium is missing (packaging/host/prepare system)")


@contextmanager
def chromium(program: str | None = CHROMIUM) -> Iterator[Browser]:
    """Start a browser."""
    expect.set_options(timeout=TIMEOUT)
    arguments = ["--disable-gpu", "--disable-dev-shm-usage", "--no-proxy-server"]
    if os.geteuid() == 0:
        arguments.append("--no-sandbox")  # which chromium does not have for root
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=arguments)
        try:
            yield browser
        finally:
            browser.close()


class Visitor:
    """Somebody with a browser of his own, who opens pages."""

    def __init__(
        self, browser: Browser, session: str = "", scheme: Scheme = "light", viewport: ViewportSize = WIDE
    ) -> None:
        """`session`: that of a server, for a browser that has it already."""
        self.complaints: list[str] = []
        """Errors of scripts, and what the policy has blocked."""
        self._context = browser.new_context(color_scheme=scheme, viewport=viewport, locale="en-GB")
        self._context.set_default_timeout(TIMEOUT)
        self._context.add_init_script(_LISTEN_FOR_VIOLATIONS)
        if session:
            self._context.add_init_script(f"sessionStorage.setItem('rocketctl-web', {json.dumps(session)})")

    def open(self, address: str) -> Page:
        """Open another tab."""
        page = self._context.new_page()
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("dialog", lambda dialog: self.complaints.append(f"dialog: {dialog.message}"))
        page.goto(address)
        return page

    def _hear(self, message: ConsoleMessage) -> None:
        # An answer that is an error is logged by the browser itself, and shown by the page.
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            self.complaints.append(message.text)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._context.close()


class WebServer:
    """`rocketctl web` for a daemon, as a user calls it. Ends with its standard input."""

    def __init__(self, runtime: Path, *arguments: str) -> None:
        """`runtime`: the directory of the daemon's socket."""
        command = [sys.executable, "-m", "rocketd.cli.rocketctl", f"--runtime-dir={runtime}", "web", *arguments]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        self.address = self.process.stdout.readline().strip()
        """With the token."""

    @property
    def page(self) -> str:
        """The address without the token."""
        return self.address.partition("#")[0]

    @cached_property
    def session(self) -> str:
        """What the token is exchanged for, as the page keeps it."""
        token = self.address.partition("#token=")[2]
        connection = HTTPConnection(urlsplit(self.page).netloc, timeout=TIMEOUT / 1000)
        connection.request("POST", "/session", token)
        session = connection.getresponse().read().decode()
        connection.close()
        return session

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.communicate(timeout=TIMEOUT / 1000)


def go(page: Page, view: str) -> None:
    """Go to a view, `task/backup`, and wait until it is there."""
    page.evaluate("view => { location.hash = `#/${view}`; }", view)
    expect(page.locator("#main")).to_have_attribute("data-view", view.partition("?")[0])


def barriers(page: Page | Frame, *rules: str) -> list[str]:
    """What axe-core finds that shuts people out, by all of its rules or by these."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(Axe().axe_script)
    options = {"resultTypes": ["violations"], **({"runOnly": [*rules]} if rules else {})}
    found = page.evaluate("options => axe.run(options).then(({ violations }) => violations)", options)
    return [f"{each['id']}: {each['nodes'][0]['html'][:300]}" for each in found]


def barriers_in_both_schemes(page: Page) -> list[str]:
    """The same, in light and in dark, which differ by their colours alone."""
    page.emulate_media(color_scheme="light")
    found = barriers(page)
    page.emulate_media(color_scheme="dark")
    return found + barriers(page, "color-contrast")
