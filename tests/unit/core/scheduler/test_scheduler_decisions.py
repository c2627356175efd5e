"""What a decision is, and what is known ahead."""

from rocketd.core.model.events import Start, Stop
from rocketd.core.model.run import Action, Cause, End
from support.scheduler_world import at, task, world


def test_decisions_are_starts_and_stops() -> None:
    made = world(task("a", "daily"))
    made.boot()
    (decision,) = made.scheduler.decide(made.now)
    assert isinstance(decision, Start)
    (stop,) = made.scheduler.stop_all(Cause.SHUTDOWN)
    assert isinstance(stop, Stop)


def test_the_next_start_is_known_ahead() -> None:
    made = world(task("a", "daily.at('10:00')"), task("b", "after_success('a')"), task("c", "cron('0 0 29 2 *')"))
    made.boot()
    made.run_until(made.now)
    upcoming = {name: entry.next_start for name, entry in made.scheduler.tasks.items()}
    assert upcoming == {"a": at("2026-03-02 10:00"), "b": None, "c": at("2028-02-29 00:00")}


def test_what_a_run_printed_is_not_kept_in_memory() -> None:
    made = world(task("a", "daily"))
    made.boot()
    made.step(made.now)
    (run,) = made.begun
    made.end(run, End(Action.FAIL, Cause.EXIT, made.now, output="x" * 16_384, exc_text="y" * 16_384))
    past = made.scheduler.history.of("a")
    assert [(end.output, end.exc_text) for end in (past.scheduled_end, past.last_events[Action.FAIL].end) if end] == [
        ("", "")
    ] * 2
