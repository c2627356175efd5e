"""The page about conditions: its tables are made from the table of words, and their examples are run."""

import re
from datetime import UTC
from pathlib import Path

import pytest
from docgen.condition_examples import Example, scene, told
from docgen.condition_reference import PAGE, PAGES, filled, groups, words_of

from rocketd.core.calendar.cron import Cron
from rocketd.core.language.parser import parse
from rocketd.core.language.vocabulary import HOURS, SPANS, WORDS
from rocketd.core.language.vocabulary_work_days import NUMBERS
from rocketd.core.model.condition import Condition
from rocketd.core.model.run import Action
from rocketd.core.model.task import Command, Task
from support.simulated_world import World

TOP = Path(__file__).parents[3]
TEXT = (TOP / PAGE).read_text(encoding="utf-8")
MIGRATION = (TOP / "docs/how-to/coming-from-cron.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES)
def test_the_tables_are_what_the_words_and_their_examples_give_now(page: str) -> None:
    text = (TOP / page).read_text(encoding="utf-8")
    assert filled(text) == text, "call python -m docgen.rocketctl_reference ."


def rows(heading: str) -> list[list[str]]:
    """What stands between backquotes in each cell of the first table under that heading."""
    table = MIGRATION.partition(f"## {heading}\n")[2].partition("\n|---")[2].partition("\n\n")[0]
    lines = [line for line in table.split("\n") if line.startswith("| ")]
    cells = [re.split(r"(?<!\\\\)\|", line.strip("|"))[:3] for line in lines]
    return [[cell.strip(" `").replace("\\|", "|") for cell in line] for line in cells]


@pytest.mark.parametrize(("line", "ticks", "window"), rows("From a crontab"))
def test_a_cron_line_and_what_is_given_for_it_are_conditions(line: str, ticks: str, window: str) -> None:
    assert parse(ticks) == parse(f'cron("{line}")')
    assert isinstance(parse(window), Condition)


@pytest.mark.parametrize(("line", "ticks", "window"), rows("From a crontab"))
def test_both_are_made_good_after_a_downtime_that_is_over_before_the_next_tick(
    line: str, ticks: str, window: str
) -> None:
    begin = 1_795_521_600_000_000  # Tue 2026-11-24 12:00 UTC
    cron = Cron.parse(line)
    first = cron.next(begin, UTC) or 0
    second = cron.next(first, UTC) or 0
    margin = (second - first) // 10
    world = World(1, begin - 1)
    for name, condition in (("ticks", ticks), ("window", window)):
        world.add(Task(name, Command(("true",)), parse(condition)))
    world.boot()
    world.run_until(first - margin)
    world.kill()
    before = {name: len(world.starts(name)) for name in world.tasks}
    world.now = second - margin
    world.boot()
    world.run_until(second - margin // 2)
    assert {name: len(world.starts(name)) - before[name] for name in world.tasks} == {"ticks": 1, "window": 1}


def test_every_condition_that_migrants_are_shown_reads() -> None:
    words = "|".join(WORDS)
    shown = re.findall(rf"`((?:{words})(?:\(|\.\w+\()[^`…]*)`", MIGRATION)
    assert len(shown) > 20
    for text in shown:
        if text != "retry(n)":
            parse(text.replace("\\|", "|"))


def test_every_word_is_in_exactly_one_table_of_the_page() -> None:
    tables = [group for group in groups() if f"<!-- words: {group} -->" in TEXT]
    assert tables == groups()
    listed = [word.name for group in groups() for word in words_of(group)]
    followers = [word.name for word in (*HOURS, *SPANS, *NUMBERS, *WORDS["running"].follows)]
    assert sorted(listed) == sorted([*WORDS, *followers])


@pytest.mark.parametrize("group", groups())
def test_no_example_gives_nothing(group: str) -> None:
    assert [word.name for word in words_of(group) if not told(scene(word))] == []


@pytest.mark.parametrize(
    ("text", "ending", "gives"),
    [
        ('daily.at("10:00")', Action.SUCCESS, "Tue 24 Nov 10:00, Wed 25 Nov 10:00, Thu 26 Nov 10:00"),
        ("daily | retry(3)", Action.FAIL, "Tue 24 Nov 09:30, Tue 24 Nov 09:30:01, Tue 24 Nov 09:30:02"),
        ('after_success("extract")', Action.FAIL, ""),
        (
            'after_all_success("extract", "load")',
            Action.SUCCESS,
            "Wed 25 Nov 03:25, Thu 26 Nov 03:25, Fri 27 Nov 03:25",
        ),
        ('running("load")', Action.SUCCESS, "Wed 25 Nov 03:00 to 03:25; Thu 26 Nov 03:00 to 03:25"),
        ('(failed("load").today >= 1)', Action.FAIL, "Wed 25 Nov 03:25 to Thu 26 Nov 00:00; "),
        ('time_of_second.before("500")', Action.SUCCESS, "Tue 24 Nov 09:30 to 09:30:00.500; "),
        ('time_of_year.on("Feb 29")', Action.SUCCESS, "Tue 29 Feb 2028 00:00 to Wed 1 Mar 2028 00:00"),
        ("true", Action.SUCCESS, "always"),
        ('unit_active("postgresql.service")', Action.SUCCESS, "what is observed"),
    ],
)
def test_an_example_gives_what_a_task_in_its_scene_would_do(text: str, ending: Action, gives: str) -> None:
    assert told(Example(text, ending)).startswith(gives)
    assert bool(told(Example(text, ending))) is bool(gives)


def test_an_example_about_the_task_itself_is_about_the_one_beside_it() -> None:
    spans = {word.name: scene(word).text for word in words_of("spans")}
    assert spans["this_week"] == 'succeeded("extract").this_week'
    assert all('("extract")' in text for text in spans.values())
