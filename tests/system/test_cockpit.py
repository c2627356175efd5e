"""The page in Cockpit, as those meet it who may use rocketd, and those who may not."""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, FrameLocator, Page, expect

from support.browser import Visitor, barriers, chromium, need_chromium
from support.machines import debian_trees
from support.machines.machine import Machine

COCKPIT = "http://127.0.0.1:9090"
PASSWORD = "correct horse"  # noqa: S105 - of users of a machine that lives for a minute
TASKS = """
[task.greet]
command = ["echo", "hello"]
when = "never"
operators = ["dba"]

[task.lines]
command = '''
    echo "<b>first</b>"
    mkfifo /run/rocketd-lines
    while read -r line; do echo "$line"; done <>/run/rocketd-lines
'''
shell = true
when = "never"
"""
USERS = f"""
for user in plain viewer dba member admin; do
    useradd --create-home --shell /bin/bash $user
    echo "$user:{PASSWORD}" | chpasswd
done
usermod --append --groups rocketd-view viewer
usermod --append --groups rocketd member
usermod --append --groups sudo admin
systemctl start cockpit.socket
"""


pytestmark = pytest.mark.skipif(
    "ROCKETD_COCKPIT" not in os.environ, reason="`make cockpit` runs it: Debian with Cockpit takes a minute to make"
)


@pytest.fixture
def cockpit(suite: str, deb: Path, tmp_path: Path) -> Iterator[Machine]:
    """A booted Debian with Cockpit and rocketd, and users with different rights."""
    need_chromium()
    try:
        tree = debian_trees.bare(suite, "cockpit")
    except subprocess.CalledProcessError:
        pytest.skip(f"Cockpit cannot be had for {suite}")
    (tmp_path / "layer").mkdir()
    installed = debian_trees.install(tree, deb, tmp_path / "layer")
    with Machine(tmp_path / "disk", installed, tree) as machine:
        machine.write("/etc/rocketd/tasks.toml", TASKS)
        machine.run("systemctl", "restart", "rocketd")
        machine.sh(USERS)
        yield machine


@pytest.fixture
def browser(cockpit: Machine, tmp_path: Path) -> Iterator[Browser]:
    """A browser in the network of the machine: nothing of it can be reached from outside."""
    program = tmp_path / "chromium"
    program.write_text(f'#!/bin/sh\nexec nsenter --net={cockpit.network} -- chromium "$@"\n')
    program.chmod(0o755)
    with chromium(str(program)) as one:
        yield one


@contextmanager
def logged_in(browser: Browser, user: str, view: str = "") -> Iterator[tuple[Page, FrameLocator]]:
    """Log in, and go to a view of the page."""
    with Visitor(browser) as visitor:
        page = visitor.open(f"{COCKPIT}/rocketd#/{view}")
        page.fill("#login-user-input", user)
        page.fill("#login-password-input", PASSWORD)
        page.click("#login-button")
        yield page, page.frame_locator("iframe[name*='/rocketd']")
        assert [said for said in visitor.complaints if "rocketd" in said] == []


def runs(machine: Machine) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(machine.run("rocketctl", "history", "--json").stdout)
    return found


def test_the_page_is_for_those_who_may_use_rocketd(cockpit: Machine, browser: Browser) -> None:
    """One boot for all of it: logins take seconds."""
    with logged_in(browser, "plain") as (_, frame):
        expect(frame.locator("#main")).to_contain_text("You may not use rocketd.")
    with logged_in(browser, "viewer", "task/greet") as (_, frame):
        expect(frame.locator("#main h2")).to_contain_text("greet")
        expect(frame.locator("#health")).to_contain_text("You can only look.")
        expect(frame.get_by_role("button", name="Run now")).to_have_count(0)
    with logged_in(browser, "dba", "tasks") as (_, frame):
        expect(frame.locator("#main tbody th")).to_have_text(["greet"])
        frame.get_by_role("link", name="greet").click()
        frame.get_by_role("button", name="Run now").click()
        expect(frame.locator("#main tbody th").first).to_have_text("1")
        assert "dba" in str(runs(cockpit)[0]["reason"])
    with logged_in(browser, "member", "task/greet") as (page, frame):
        frame.get_by_role("button", name="Run now").click()
        expect(frame.locator("#main tbody th").first).to_have_text("2")
        uid = cockpit.run("id", "-u", "member").stdout.strip()
        assert re.fullmatch(rf"by hand, member \(uid {uid}\)", str(runs(cockpit)[0]["reason"]))
        _shuts_nobody_out(page, frame)
        _shows_live_output(frame, cockpit)
        _notices_a_restart(frame, cockpit)
    with logged_in(browser, "admin", "task/greet") as (page, frame):
        expect(frame.locator("#main")).to_contain_text("You may not use rocketd.")
        page.get_by_role("button", name="Limited access").first.click()
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Authenticate").click()
        frame.get_by_role("button", name="Run now").click()
        expect(frame.locator("#main tbody th").first).to_have_text("3")
        assert "admin" in str(runs(cockpit)[0]["reason"])
        frame.get_by_role("link", name="All that the journal has of it").click()
        logs = page.frame_locator("iframe[name*='/system/logs']")
        expect(logs.get_by_text("greet succeeded").first).to_be_visible()


def _shuts_nobody_out(page: Page, frame: FrameLocator) -> None:
    """In both styles of Cockpit, which the page follows without being loaded again."""
    inside = next(each for each in page.frames if "/rocketd" in each.name)
    for style in ("light", "dark"):
        page.evaluate("style => localStorage.setItem('shell:style', style)", style)
        expect(frame.locator(f"html[data-style={style}]")).to_be_attached()
        for view in ("Overview", "Tasks", "Runs", "Day", "Files"):
            frame.get_by_role("link", name=view, exact=True).click()
            expect(frame.locator("#nav [aria-current]")).to_have_text(view)
            expect(frame.locator("#main[aria-busy]")).to_have_count(0)
            assert barriers(inside) == [], (style, view)


def _shows_live_output(frame: FrameLocator, machine: Machine) -> None:
    frame.get_by_role("link", name="Tasks").click()
    frame.get_by_role("link", name="lines").click()
    frame.get_by_role("button", name="Run now").click()
    frame.get_by_role("link", name="lines/1").click()
    expect(frame.locator("#output")).to_have_text("<b>first</b>\n")
    machine.sh("echo second >/run/rocketd-lines")
    expect(frame.locator("#output")).to_have_text("<b>first</b>\nsecond\n")
    frame.get_by_role("button", name="Stop").click()
    frame.get_by_role("dialog").get_by_role("button", name="Stop").click()
    expect(frame.locator("#main h2")).to_contain_text("stopped")


def _notices_a_restart(frame: FrameLocator, machine: Machine) -> None:
    machine.run("systemctl", "stop", "rocketd")
    expect(frame.locator(".banner")).to_contain_text("Trying again")
    machine.run("systemctl", "start", "rocketd")
    expect(frame.locator(".banner")).to_have_count(0)
    machine.run("systemctl", "kill", "--signal=KILL", "rocketd")
    expect(frame.locator(".banner")).to_contain_text("Trying again")
    machine.run("systemctl", "start", "rocketd")
    expect(frame.locator(".banner")).to_have_count(0)
