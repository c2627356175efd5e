"""The page of `rocketctl web` in a real browser, against a real daemon."""

import os
import re
import resource
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from rocketd.cli.backend.http_client import Client
from support.browser import NARROW, WIDE, Visitor, WebServer, barriers_in_both_schemes, chromium, go, need_chromium
from support.daemon_process import Daemon

HOSTILE = "<script>document.title = 'owned'</script><img src=x onerror=alert(1)>\u202egnp.exe"
TASKS = f"""
[task.backup]
description = "Nightly dump"
command = ["echo", "dumped"]
when = "time_of_day.between('01:00', '05:00') & ~succeeded.today"
max_age = "26 hours"
tags = ["db"]

[task.broken]
command = ["false"]
when = "never"

[task.greet]
command = ["echo", "hello"]
when = "never"

[task.hostile]
description = '''{HOSTILE}'''
command = ["printf", '%b', '<b>bold</b>\\0033[31mred\\0033[0m \\0342\\0200\\0256evil\\n']
when = "never"

[task.lines]
command = '''
    echo "the first line"
    while read -r line; do echo "$line"; done <>"$PIPE"
'''
shell = true
when = "never"
environment = {{ PIPE = "@PIPE@" }}

[task.off]
command = ["true"]
when = "daily"
enabled = false
"""
VIEWS = [
    "",
    "tasks",
    "task/backup",
    "task/broken",
    "task/hostile",
    "runs",
    "run/broken/1",
    "run/hostile/1",
    "day",
    "files",
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    need_chromium()
    with chromium() as one:
        yield one


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon with a task of each kind; some have run."""
    directory = tmp_path_factory.mktemp("daemon")
    with Daemon(directory) as one:
        one.write("tasks.toml", TASKS.replace("@PIPE@", str(directory / "pipe")))
        one.write("mistake.toml", '[task.mistaken]\ncommand = ["true"]\nwhen = "dayly"\n')
        one.start()
        yield one
        one.stop_at_once()


@pytest.fixture(scope="module")
def server(daemon: Daemon) -> Iterator[WebServer]:
    with WebServer(daemon.runtime, "--write") as one:
        yield one


@pytest.fixture(scope="module", autouse=True)
def history(server: WebServer, browser: Browser) -> None:
    """Some runs, started on the page itself."""
    with Visitor(browser, server.session) as visitor:
        page = visitor.open(server.page)
        for task in ("greet", "broken", "hostile"):
            go(page, f"task/{task}")
            page.get_by_role("button", name="Run now").click()
            expect(page.get_by_role("link", name="1", exact=True)).to_be_visible()
            expect(page.locator("#main h2 .badge.success, #main h2 .badge.fail")).to_be_visible()
        assert visitor.complaints == []


@pytest.fixture
def visitor(server: WebServer, browser: Browser) -> Iterator[Visitor]:
    with Visitor(browser, server.session) as one:
        yield one
        assert one.complaints == []


@pytest.fixture
def page(visitor: Visitor, server: WebServer) -> Page:
    return visitor.open(server.page)


# -- who gets in


def test_the_address_is_good_for_one_browser_and_its_tabs_which_can_only_look(daemon: Daemon, browser: Browser) -> None:
    """And the server ends with its standard input."""
    with WebServer(daemon.runtime) as server, Visitor(browser) as mine, Visitor(browser) as other:
        page = mine.open(server.address)
        expect(page.locator("#health")).to_contain_text("5 tasks")
        assert page.url == server.page
        page.reload()
        expect(page.locator("#health")).to_contain_text("5 tasks")
        expect(mine.open(f"{server.page}#/task/backup").locator("#main h2")).to_contain_text("backup")
        expect(other.open(server.address).get_by_role("alert")).to_contain_text("this address has been used")
        expect(other.open(server.page).get_by_role("alert")).to_contain_text("This browser has no session.")
        for view in ("task/backup", "files"):
            go(page, view)
            expect(page.locator("#main .buttons")).to_have_count(0)
    assert server.process.returncode == 0


# -- buttons


def test_pause_with_a_reason_and_resume(page: Page) -> None:
    go(page, "task/backup")
    page.get_by_role("button", name="Pause…").click()
    page.get_by_label("Reason").fill("<b>moving</b> house")
    page.get_by_role("button", name="Pause", exact=True).click()
    expect(page.locator("#main")).to_contain_text("<b>moving</b> house")
    expect(page.locator("#main h2")).to_contain_text("paused")
    page.get_by_role("button", name="Resume").click()
    expect(page.locator("#main h2")).not_to_contain_text("paused")


def test_live_output_begins_with_what_was_printed_before_and_stop_asks(page: Page, daemon: Daemon) -> None:
    pipe = daemon.directory / "pipe"
    os.mkfifo(pipe)
    go(page, "task/lines")
    page.get_by_role("button", name="Run now").click()
    page.get_by_role("link", name="lines/1").click()
    output = page.locator("#output")
    expect(output).to_have_text("the first line\n")
    with pipe.open("w") as lines:
        lines.write("the second <b>line</b>\n")
    expect(output).to_have_text("the first line\nthe second <b>line</b>\n")
    page.reload()
    expect(output).to_have_text("the first line\nthe second <b>line</b>\n")
    page.get_by_role("button", name="Stop").click()
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("#main h2")).to_contain_text("running")
    page.get_by_role("button", name="Stop").click()
    page.get_by_role("dialog").get_by_role("button", name="Stop").click()
    expect(page.locator("#main h2")).to_contain_text("stopped")
    expect(output).to_have_text("the first line\nthe second <b>line</b>\n")


# -- what changes while somebody reads


def test_focus_selection_and_scroll_position_stay_while_runs_come_and_go(page: Page, daemon: Daemon) -> None:
    page.set_viewport_size({"width": 900, "height": 400})
    go(page, "task/greet")
    pause = page.get_by_role("button", name="Pause…")
    before = "document.activeElement.textContent + getSelection().toString() + Math.round(scrollY)"
    page.evaluate(
        "() => { const text = document.querySelector('#main dd code').firstChild;"
        " getSelection().setBaseAndExtent(text, 0, text, 4); }"
    )
    pause.focus()
    page.evaluate("scrollTo(0, 120)")
    was = page.evaluate(before)
    assert was.startswith("Pause…fals")
    newest = int(page.locator("#main tbody th").first.inner_text())
    for number in range(newest + 1, newest + 11):
        post(daemon, "/v1/tasks/greet/run")
        row = page.locator("#main tbody tr").first
        expect(row.locator("th")).to_have_text(str(number))
        expect(row).to_contain_text("success")
    expect(page.locator("#main h2")).to_contain_text("success")
    assert page.evaluate(before) == was


def test_events_bring_the_counts_and_an_answer_that_comes_late_changes_nothing(page: Page, daemon: Daemon) -> None:
    """In a burst, what was asked for is older than the events that have come meanwhile."""
    paused, row = page.locator(".tile[data-key=paused] .number"), page.locator("#main tbody tr", has_text="broken")
    expect(paused).to_have_text("0")
    expect(row).to_contain_text("failed")
    held: list[Route] = []
    answer = Client(str(daemon.runtime / "control.sock")).get("/v1/overview")
    page.route("**/v1/overview", lambda route: held.append(route))  # noqa: PLW0108 - Playwright writes into what it is given
    with page.expect_request("**/v1/overview"):
        post(daemon, "/v1/reload")
    post(daemon, "/v1/tasks/broken/pause")
    expect(paused).to_have_text("1")
    expect(row).to_contain_text("paused")
    with page.expect_response("**/v1/overview") as response:
        held[0].fulfill(json=answer)
    response.value.finished()
    page.evaluate("new Promise(drawn => requestAnimationFrame(() => setTimeout(drawn)))")
    assert (paused.inner_text(), "paused" in row.inner_text()) == ("1", True)
    post(daemon, "/v1/tasks/broken/resume")
    expect(paused).to_have_text("0")
    expect(row).not_to_contain_text("paused")
    assert len(held) == 1


def test_new_runs_are_announced_and_not_pushed_in(page: Page, daemon: Daemon) -> None:
    go(page, "runs?task=greet")
    newest = page.locator("#main tbody td a").first
    was = newest.inner_text()
    post(daemon, "/v1/tasks/greet/run")
    announcement = page.get_by_role("button", name="1 new run: show it")
    expect(announcement).to_be_visible()
    assert newest.inner_text() == was
    announcement.click()
    expect(newest).to_have_text(f"#{int(was[1:]) + 1}")


def test_a_restart_is_noticed_and_the_page_goes_on(page: Page, daemon: Daemon) -> None:
    go(page, "task/greet")
    newest = page.locator("#main tbody th").first
    number = int(newest.inner_text())
    daemon.kill()
    expect(page.locator(".banner")).to_contain_text("Trying again")
    expect(page.get_by_role("button", name="Run now")).to_be_disabled()
    daemon.start()
    expect(page.locator(".banner")).to_have_count(0)
    page.get_by_role("button", name="Run now").click()
    expect(newest).to_have_text(str(number + 1))


def test_a_daemon_whose_store_takes_nothing_says_so(page: Page, daemon: Daemon) -> None:
    go(page, "task/greet")
    limits = resource.prlimit(daemon.pid, resource.RLIMIT_FSIZE, (1, resource.RLIM_INFINITY))
    try:
        page.get_by_role("button", name="Run now").click()
        expect(page.locator(".banner")).to_contain_text("Degraded:")
        expect(page.locator("#health")).to_contain_text("Degraded")
        assert barriers_in_both_schemes(page) == []
    finally:
        resource.prlimit(daemon.pid, resource.RLIMIT_FSIZE, limits)
    expect(page.locator(".banner")).to_have_count(0)


# -- texts that would like to be more


def test_hostile_texts_stay_texts(page: Page) -> None:
    go(page, "task/hostile")
    expect(page.locator("#main .lead")).to_have_text(HOSTILE.replace("\u202e", "\\u202e"))
    go(page, "run/hostile/1")
    expect(page.locator("#output")).to_have_text("<b>bold</b>red \\u202eevil\n")


def test_a_run_is_found_by_its_id_alone_and_leads_to_its_neighbours_only_if_they_are_there(
    page: Page, daemon: Daemon
) -> None:
    """As the link to the run that was the cause of another one."""
    run = Client(str(daemon.runtime / "control.sock")).get("/v1/runs/hostile/1")
    assert isinstance(run, dict)
    go(page, f"run/{run['run_id']}")
    expect(page.locator("#main h2")).to_contain_text("hostile / 1")
    expect(page.locator("#main nav.pages a")).to_have_text(["All of the task"])
    post(daemon, "/v1/tasks/hostile/run")
    go(page, "run/hostile/1")
    expect(page.locator("#main nav.pages a")).to_have_text(["Run after", "All of the task"])


# -- finding one's way


def test_tasks_are_searched_filtered_and_linked(page: Page) -> None:
    go(page, "tasks")
    page.keyboard.press("/")
    page.keyboard.type("nightly")
    expect(page.locator("#main tbody tr")).to_have_count(1)
    assert page.url.endswith("#/tasks?match=nightly")
    page.reload()
    expect(page.locator("#main tbody tr")).to_have_count(1)
    expect(page.get_by_role("searchbox")).to_have_value("nightly")
    page.get_by_role("searchbox").fill("")
    expect(page.locator("#main tbody tr")).to_have_count(6)
    page.get_by_role("button", name=re.compile("^Failed")).click()
    expect(page.locator("#main tbody th")).to_have_text(["broken"])
    page.go_back()
    expect(page.locator("#main tbody tr")).to_have_count(6)


def test_keys_go_to_views_and_from_row_to_row(page: Page) -> None:
    expect(page.locator("#main")).to_have_attribute("data-view", "")
    page.keyboard.press("g")
    page.keyboard.press("t")
    expect(page.locator("#main tbody tr")).to_have_count(6)
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.locator("#main h2")).to_contain_text("broken")
    page.keyboard.press("?")
    page.get_by_label("Turn single keys off").check()
    page.keyboard.press("Escape")
    page.keyboard.press("g")
    page.keyboard.press("t")
    assert page.evaluate("location.hash") == "#/task/broken"  # a key that counts has changed it by now


def test_why_not_at_another_time(page: Page) -> None:
    go(page, "task/backup")
    page.get_by_label("Why not at").fill("2026-01-05T02:30")
    page.get_by_role("button", name="Explain").click()
    expect(page.locator(".tree > li > ul > li").first).to_have_class("holds")
    page.get_by_role("button", name="Now", exact=True).click()
    expect(page.locator(".waiting")).to_be_visible()


@pytest.mark.parametrize("view", ["task/nobody", "run/greet/4711"])
def test_what_is_not_there_is_a_sentence(page: Page, view: str) -> None:
    go(page, view)
    expect(page.get_by_role("alert").first).to_contain_text(re.compile("no task|no run|unknown"))


def test_a_host_in_no_fleet_says_so_and_has_no_link_to_one(page: Page) -> None:
    go(page, "fleet")
    expect(page.get_by_role("alert").first).to_contain_text("this host shares its history with no others")
    expect(page.locator("#nav").get_by_role("link", name="Fleet")).to_have_count(0)


# -- for everybody


def test_no_view_shuts_anybody_out_is_wider_than_a_telephone_or_makes_more_of_a_text(page: Page) -> None:
    """In light and in dark; each view is looked at once for all of that, as browsers take their time."""
    for view in VIEWS:
        page.set_viewport_size(WIDE)
        go(page, view)
        assert barriers_in_both_schemes(page) == [], view
        assert "owned" not in page.title()
        assert page.evaluate("document.scripts.length") == 2
        assert page.locator("#main img, #main script, #main b").count() == 0
        page.set_viewport_size(NARROW)
        assert page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"], view


def post(daemon: Daemon, path: str) -> None:
    """Do something elsewhere."""
    Client(str(daemon.runtime / "control.sock")).post(path)
