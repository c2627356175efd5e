"""The page about several hosts, in a real browser: real daemons, a real PostgreSQL server, and what hosts may say."""

import json
from collections.abc import Iterator
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, Page, expect

from rocketd.cli.backend.http_client import Client
from rocketd.cli.exit_codes import Failure
from rocketd.cli.json_fields import objects
from rocketd.daemon.json_format import Json
from support.browser import NARROW, WIDE, Visitor, WebServer, barriers_in_both_schemes, chromium, go, need_chromium
from support.fleet_hosts import FleetHosts, fleet_hosts, prepare
from support.servers.postgres_server import postgres_server
from support.shape_check import mismatches

psycopg = pytest.importorskip("psycopg")

HOSTILE = "<script>document.title = 'owned'</script><img src=x onerror=alert(1)>\u202egnp.exe"
TASKS = """
[task.greet]
description = "Says hello"
command = ["echo", "hello"]
when = "never"

[task.broken]
command = ["false"]
when = "never"
"""
VIEWS = ("fleet", "fleet/tasks?match=job00", "fleet/runs")
SILENT = "web9"
"""A host that is in the database alone; its lease is what a test says."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    need_chromium()
    with chromium() as one:
        yield one


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FleetHosts]:
    """Two hosts that have run something, and one of which only the database knows."""
    directory = tmp_path_factory.mktemp("fleet")
    directory.chmod(0o755)
    with postgres_server() as server:
        prepare(server)
        with fleet_hosts(server, "page", directory) as made:
            shared = made.task("shared", "never")
            made.add("web1", TASKS + shared, lease="30s")
            made.add(
                "web2", TASKS.replace("Says hello", "Says good day") + shared, lease="30s", extra='tags = ["eu"]\n'
            )
            for host in made.hosts.values():
                host.until_line("the fleet", 1)  # it has joined it, or is heard of again
            asked(made, "web1").post("/v1/tasks/greet/run")
            asked(made, "web2").post("/v1/tasks/broken/run")
            add_silent_host(made)
            yield made


def add_silent_host(fleet: FleetHosts) -> None:
    """A host whose lease never ends, with 120 tasks, and some that no daemon would show."""
    fleet.ask(
        "INSERT INTO rocketd.host (fleet, name, incarnation, state_id, place, lease_until, lost_after, version, tags)"
        " VALUES ('default', %s, %s, %s, '', clock_timestamp() + '1 day', '1 hour', '0.1.0', %s)",
        *(SILENT, str(uuid4()), str(uuid4()), [HOSTILE]),
    )
    shown: dict[str, Json] = {
        f"job{number:03}": {"description": HOSTILE, "failing": number == 7} for number in range(120)
    }
    shown |= {
        "list": [1, 2],
        "text": "no object",
        "wrong": {"failing": "yes", "overdue_at": 7, "tags": {}, "next": "?"},
    }
    for name, value in shown.items():
        fleet.ask(
            "INSERT INTO rocketd.task (fleet, host, name, digest, shown) VALUES ('default', %s, %s, '', %s::jsonb)",
            *(SILENT, name, json.dumps(value)),
        )


def asked(fleet: FleetHosts, host: str) -> Client:
    return Client(str(fleet.hosts[host].runtime / "control.sock"))


@pytest.fixture(scope="module")
def server(fleet: FleetHosts) -> Iterator[WebServer]:
    with WebServer(fleet.hosts["web1"].runtime) as one:
        yield one


@pytest.fixture
def page(server: WebServer, browser: Browser) -> Iterator[Page]:
    with Visitor(browser, server.session) as visitor:
        yield visitor.open(server.page)
        assert visitor.complaints == []


def later(page: Page) -> None:
    """Let the page believe that it is time to ask again."""
    page.clock.fast_forward(6000)


# -- what the daemon answers


def test_the_answers_have_just_the_keys_and_types_of_their_shapes(fleet: FleetHosts) -> None:
    client = asked(fleet, "web1")
    assert mismatches(client.get("/v1/fleet"), "Fleet") == []
    found = client.get("/v1/fleet/tasks", [("host", "web2")])
    assert mismatches(found, "Fleet tasks") == []
    runs = client.get("/v1/fleet/runs")
    assert isinstance(runs, list)
    assert [wrong for run in runs for wrong in mismatches(run, "Fleet run")] == []
    assert mismatches(client.get("/v1/status"), "Status") == []


@pytest.mark.parametrize(
    ("query", "names", "total"),
    [
        ({"host": "web1"}, ["broken", "greet", "shared"], 3),
        ({"match": "GOOD day"}, ["greet"], 1),
        ({"match": "job00[1-3]"}, ["job001", "job002", "job003"], 3),
        ({"match": "job*", "state": "failed"}, ["job007"], 1),
        ({"host": SILENT, "state": "late"}, [], 0),
        ({"match": "job", "limit": "2"}, ["job000", "job001"], 120),
        ({"match": "job", "limit": "2", "after": f"job001/{SILENT}"}, ["job002", "job003"], 120),
        ({"match": "wrong"}, ["wrong"], 1),
        ({"match": "100%_\0"}, [], 0),
        ({"host": "nobody"}, [], 0),
    ],
)
def test_tasks_are_searched_and_paged_by_the_database(
    fleet: FleetHosts, query: dict[str, str], names: list[str], total: int
) -> None:
    found = asked(fleet, "web1").get("/v1/fleet/tasks", [*query.items()])
    assert isinstance(found, dict)
    tasks = found["tasks"]
    assert isinstance(tasks, list)
    assert [task["task"] for task in tasks if isinstance(task, dict)] == names
    assert (found["total"], found["more"]) == (total, (total > len(names) and "after" not in query) or "after" in query)


@pytest.mark.parametrize("query", [("after", "job001"), ("state", "disabled"), ("limit", "0"), ("host", "w" * 101)])
def test_a_place_a_state_or_a_number_that_is_none_is_refused(fleet: FleetHosts, query: tuple[str, str]) -> None:
    with pytest.raises(Failure, match=query[0]):
        asked(fleet, "web1").get("/v1/fleet/tasks", [query])


# -- the page


def test_hosts_are_shown_and_followed(fleet: FleetHosts, page: Page) -> None:
    page.clock.install()
    page.reload()
    page.get_by_role("link", name="Fleet").click()
    expect(page.locator("#main h2")).to_have_text("Fleet default")
    rows = page.locator("table[data-key=hosts] tbody tr")
    expect(rows.locator("th")).to_have_text(["web1", "web2", SILENT])
    expect(rows.nth(0)).to_contain_text("this host")
    expect(rows.nth(1)).to_contain_text("@eu")
    expect(rows.nth(2)).to_contain_text("alive")
    fleet.ask("UPDATE rocketd.host SET lease_until = clock_timestamp() WHERE name = %s", SILENT)
    later(page)
    expect(rows.nth(2)).to_contain_text("silent")
    expect(page.locator("#main")).to_contain_text("3 hosts, 2 alive")
    fleet.ask("UPDATE rocketd.host SET lease_until = clock_timestamp() + '1 day' WHERE name = %s", SILENT)
    rows.nth(1).get_by_role("link").click()
    expect(page.locator("table[data-key=fleet-tasks] tbody th")).to_have_text(
        ["broken", "greetSays good day", "shared"]
    )
    assert page.url.endswith("#/fleet/tasks?host=web2")


def test_tasks_of_all_hosts_are_searched_filtered_and_paged(page: Page) -> None:
    go(page, "fleet/tasks?host=web2")
    names = page.locator("table[data-key=fleet-tasks] tbody th")
    expect(names).to_have_text(["broken", "greetSays good day", "shared"])
    page.reload()
    expect(names).to_have_count(3)
    page.get_by_label("Host").select_option("")
    expect(names).to_have_count(100)
    page.get_by_role("link", name="Next page").click()
    expect(names.first).not_to_contain_text("broken")
    page.get_by_role("link", name="First page").click()
    page.keyboard.press("/")
    page.keyboard.type("shared")
    rows = page.locator("table[data-key=fleet-tasks] tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.get_by_text("stands by")).to_have_count(1)  # the other one owns it
    expect(rows.locator("td:last-child", has_text="web")).to_have_count(2)


def test_runs_of_all_hosts_and_a_task_of_another_host(page: Page) -> None:
    go(page, "fleet")
    expect(page.locator("table[data-key=fleet-runs] tbody tr")).to_contain_text(["brokenweb2"])
    go(page, "fleet/tasks?host=web2&match=broken")
    page.locator("table[data-key=fleet-tasks] tbody th a").click()
    expect(page.locator("#main h2")).to_have_text("Runs of broken")
    expect(page.locator("table[data-key=fleet-runs] tbody tr")).to_contain_text(["failed"])
    page.get_by_label("Host").select_option("web1")
    expect(page.locator("#main .nothing")).to_have_text("No run matches.")


def test_each_run_is_on_one_page_also_where_many_started_at_once_or_are_not_valid(
    fleet: FleetHosts, page: Page
) -> None:
    """And another host that has the same run id does not move anybody's pages."""
    insert = (
        "INSERT INTO rocketd.record (fleet, host, scope, created, start, task_name, action, run_id, number)"
        " SELECT 'default', %s, %s, clock_timestamp() - '30 days'::interval - '1 day'::interval * %s, 'epoch', 'many',"
        " 'run', 'same-' || n, CASE WHEN mod(n, %s) = 0 THEN -n ELSE n END FROM generate_series(1, 230) AS n"
    )
    fleet.ask(insert, SILENT, "s1", 0, 3)
    fleet.ask(insert, "web8", "s1", 5, 1000)
    same = "UPDATE rocketd.record SET created = '2020-02-02 02:02:02Z' WHERE host = %s AND task_name = 'many'"
    fleet.ask(same, SILENT)
    client, query = asked(fleet, "web1"), {"host": SILENT, "task": "many", "limit": "50"}
    seen: list[object] = []
    after = ""
    while found := objects(client.get("/v1/fleet/runs", [*query.items(), *([("after", after)] if after else [])])):
        seen += [run["run_id"] for run in found]
        after = f"{SILENT}/s1/{seen[-1]}"
    assert sorted(map(str, seen)) == sorted(f"same-{n}" for n in range(1, 231) if n % 3)
    go(page, f"fleet/runs?task=many&host={SILENT}&since=all")
    rows = page.locator("table[data-key=fleet-runs] tbody tr")
    expect(rows).to_have_count(100)
    page.get_by_role("link", name="Older runs").click()
    expect(rows).to_have_count(54)
    fleet.ask("DELETE FROM rocketd.record WHERE task_name = 'many'")


def test_a_database_that_cannot_be_reached_is_said_and_what_was_read_stays(fleet: FleetHosts, page: Page) -> None:
    page.clock.install()
    page.reload()
    go(page, "fleet")
    expect(page.locator("table[data-key=hosts] tbody tr")).to_have_count(3)
    fleet.networks["web1"].refuse()
    later(page)
    expect(page.locator("#main .problem")).to_be_visible()
    expect(page.locator("#main")).to_contain_text("What you see is as of")
    expect(page.locator("table[data-key=hosts] tbody tr")).to_have_count(3)
    page.reload()
    expect(page.locator("#main .problem")).to_contain_text("database")
    fleet.networks["web1"].heal()
    later(page)
    expect(page.locator("table[data-key=hosts] tbody tr")).to_have_count(3)
    expect(page.locator("#main .problem")).to_have_count(0)


def test_hostile_texts_stay_texts_and_no_view_shuts_anybody_out_or_is_wider_than_a_telephone(page: Page) -> None:
    for view in VIEWS:
        page.set_viewport_size(WIDE)
        go(page, view)
        assert "owned" not in page.title()
        assert page.locator("#main img, #main script").count() == 0
        assert barriers_in_both_schemes(page) == [], view
        page.set_viewport_size(NARROW)
        assert page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"], view
