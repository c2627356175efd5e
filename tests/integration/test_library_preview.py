"""What an application says of its tasks before it runs: from its records, and on a simulated clock."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from rocketd import Rocketd
from rocketd.conds import after_fail, after_success, cron, daily, every, path_exists, retry, running, time_of_day
from rocketd.core.errors import RocketdError, StoreError
from rocketd.log import MinimalRecord, RunRecord
from rocketd.repos import CSVFileRepo, MemoryRepo
from rocketd.store.redbird.compat import BaseRepo
from support.application import run

BERLIN = ZoneInfo("Europe/Berlin")
NIGHT = datetime(2026, 3, 28, 12, tzinfo=BERLIN)
"""The clock is put forward in the following night."""


def with_records(*actions: str, task: str = "first", before: float = 10) -> BaseRepo:
    repo = MemoryRepo(model=MinimalRecord)
    begin = round(time.time()) - before
    for place, action in enumerate(actions):
        repo.add(MinimalRecord(task_name=task, action=action, created=begin + place))
    return repo


def app_with(repo: BaseRepo | None = None, **options: object) -> Rocketd:
    app = Rocketd(config={"restart_delay": 0, **options})
    if repo is not None:
        app.session.set_repo(repo)
    app.task(daily, name="first", code="pass")
    app.task(after_success("first") & daily, name="second", code="pass")
    return app


# -- what is known before the start -----------------------------------------------------------------------------------


def test_a_status_is_known_from_the_repository_before_the_start() -> None:
    app = app_with(with_records("run", "fail", "run", "success"))
    first, second = app.session["first"], app.session["second"]
    assert (first.status, second.status) == ("success", None)
    assert first.last_fail is not None
    assert first.last_success is not None
    assert first.last_success - first.last_fail == timedelta(seconds=2)
    assert (first.is_running, first.n_alive) == (False, 0)


def test_why_tells_what_would_be_so_at_a_start() -> None:
    app = app_with(with_records("run", "success"))
    assert app.session["first"].why().holds is False
    assert app.session["second"].why().holds is True
    assert app_with().session["first"].why().holds is True


@pytest.mark.parametrize("ahead", [60, 3600, 30 * 86400])
@pytest.mark.parametrize(
    ("word", "actions"),
    [
        ("started('first').today", ("run",)),
        ("succeeded('first').today", ("run", "success")),
        ("failed('first').this_hour", ("run", "fail")),
        ("finished('first').this_month", ("run", "success")),
        ("finished('first').past('2 h')", ("run", "fail")),
        ("(terminated('first').today == 1)", ("run", "terminate")),
        ("inacted('first').today", ("run", "inaction")),
        ("crashed('first').today", ("run", "crash")),
    ],
)
def test_a_record_from_the_future_counts_as_of_now(word: str, actions: tuple[str, ...], ahead: int) -> None:
    """The clock was ahead when it was written. The first question reads the records, and gets the same answer."""
    app = app_with(with_records(*actions, before=-ahead))
    app.task(word, name="asks", code="pass")
    assert app.session["asks"].why().holds is True


def test_how_long_an_open_run_has_been_running_is_known_from_its_start() -> None:
    app = app_with(with_records("run", before=20 * 60))
    app.task(running("first").less_than("10 min"), name="early", code="pass")
    app.task(running("first").more_than("10 min"), name="late", code="pass")
    assert app.session["early"].why().holds is False
    assert app.session["late"].why().holds is True


def test_the_repository_is_read_once_and_again_for_another_one() -> None:
    repo = with_records("run", "success")
    app = app_with(repo)
    assert app.session["first"].status == "success"
    repo.add(MinimalRecord(task_name="first", action="fail", created=time.time()))
    assert app.session["first"].status == "success"
    app.session.set_repo(with_records("run", "fail"))
    assert app.session["first"].status == "fail"
    app.task(daily, name="third", code="pass")
    assert app.session["third"].status is None


def test_a_state_directory_tells_it_as_well(tmp_path: Path) -> None:
    app = app_with(state_dir=tmp_path)
    app.task(after_success("second"), name="stop", func=app.session.shut_down)
    run(app)
    again = app_with(state_dir=tmp_path)
    assert [again.session[name].status for name in ("first", "second")] == ["success", "success"]
    assert "has run" in str(again.session["first"].why()) or again.session["first"].why().holds is False


def test_a_repository_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    repo = CSVFileRepo(model=RunRecord, filename=tmp_path / "log.csv")
    (tmp_path / "log.csv").write_text("other,columns\n")
    with pytest.raises(StoreError, match="has other columns"):
        _ = app_with(repo).session["first"].status


def test_a_disabled_task_tells_its_condition_and_that_it_is_disabled() -> None:
    app = app_with()
    app.session["first"].disabled = True
    why = app.session["first"].why()
    assert [part.condition for part in why.parts] == ["daily"]
    assert why.waiting_for == "first is disabled: only task.run() starts it"
    seen: list[str] = []

    @app.task(every("1 day"))
    def looks() -> None:
        seen.append(str(app.session["first"].why()))
        app.session.shut_down()

    run(app)
    assert "is disabled" in seen[0]
    assert "daily" in seen[0]


# -- when it starts next ----------------------------------------------------------------------------------------------


def test_the_next_start_is_told_before_and_while_the_scheduler_runs() -> None:
    app = Rocketd(config={"restart_delay": 0, "timezone": "UTC"})
    app.task(cron("0 0 1 1 *"), name="new_year", code="pass")
    app.task(after_success("new_year"), name="follower", code="pass")
    seen: list[datetime | None] = []

    @app.task(every("1 day"))
    def looks() -> None:
        seen.extend(app.session[name].next_start for name in ("new_year", "follower"))
        app.session.shut_down()

    year = datetime.now(UTC).year + 1
    assert app.session["new_year"].next_start == datetime(year, 1, 1, tzinfo=UTC)
    assert app.session["follower"].next_start is None
    due = app.session["looks"].next_start
    assert due is not None
    assert abs(due - datetime.now(UTC)) < timedelta(minutes=1)
    run(app)
    assert seen == [datetime(year, 1, 1, tzinfo=UTC), None]


# -- a simulated clock ------------------------------------------------------------------------------------------------


def test_a_simulation_runs_the_tasks_on_a_clock_of_its_own() -> None:
    app = Rocketd(timezone="Europe/Berlin")
    app.task(daily & time_of_day.after("02:30"), name="night", code="pass")
    app.task(after_success("night"), name="report", code="pass")
    app.task(on_startup=True, name="prepare", code="pass")
    runs = app.session.simulate("2 days", since=NIGHT)
    assert [(one.task, one.start.isoformat()) for one in runs] == [
        ("prepare", "2026-03-28T12:00:00+01:00"),
        ("night", "2026-03-28T12:00:01+01:00"),
        ("report", "2026-03-28T12:00:02+01:00"),
        ("night", "2026-03-29T03:00:00+02:00"),
        ("report", "2026-03-29T03:00:01+02:00"),
        ("night", "2026-03-30T02:30:00+02:00"),
        ("report", "2026-03-30T02:30:01+02:00"),
    ]


def test_a_simulation_of_failures() -> None:
    app = Rocketd()
    app.task(daily | retry(2, delay="10 min"), name="backup", code="pass")
    app.task(after_fail("backup"), name="alarm", code="pass")
    runs = app.session.simulate("12 h", since=NIGHT.timestamp(), failing=["backup"])
    tries = [one for one in runs if one.task == "backup"]
    assert [one.attempt for one in tries] == [1, 2, 3]
    assert tries[1].start - tries[0].start == timedelta(minutes=10, seconds=1)
    assert [one.task for one in runs].count("alarm") == 3


def test_a_simulation_takes_for_given_what_it_cannot_look_at() -> None:
    app = Rocketd()

    @app.cond()
    def is_quiet() -> bool:
        raise AssertionError("nothing is asked")

    app.task(daily & is_quiet, name="quiet", code="pass")
    app.task(daily & path_exists("/nowhere"), name="there", code="pass")

    def names(**given: object) -> list[str]:
        return [one.task for one in app.session.simulate(since=NIGHT, **given)]  # type: ignore[arg-type]

    assert set(names()) == set()
    assert set(names(assume=True)) == {"quiet", "there"}
    assert set(names(assume={is_quiet: True})) == {"quiet"}
    assert set(names(assume={path_exists("/nowhere"): True, is_quiet: False})) == {"there"}


def test_a_simulation_from_now_knows_what_has_run() -> None:
    app = app_with(with_records("run", "success"))
    runs = app.session.simulate("1 s")
    assert [one.task for one in runs] == ["second"]
    assert app.session["second"].status is None


def test_a_simulation_beside_the_running_scheduler() -> None:
    app = app_with()
    seen: list[str] = []

    @app.task(after_success("second"))
    def looks() -> None:
        seen.extend(one.task for one in app.session.simulate("1 s"))
        app.session.shut_down()

    run(app)
    assert seen == []


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(RocketdError, match="needs a zone"):
        Rocketd().session.simulate(since=datetime(2026, 1, 1))  # noqa: DTZ001 - that is the question
