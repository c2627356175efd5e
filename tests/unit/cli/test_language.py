"""The page about conditions: its tables are made from the table of words, and their examples are run."""

from pathlib import Path

import pytest

from rocketd.cli.examples import Scene, scene, told
from rocketd.cli.language import PAGE, filled, groups, words_of
from rocketd.core.run import Action
from rocketd.core.words import HOURS, SPANS, WORDS

TEXT = (Path(__file__).parents[3] / PAGE).read_text(encoding="utf-8")


def test_the_tables_are_what_the_words_and_their_examples_give_now() -> None:
    assert filled(TEXT) == TEXT, "call python -m rocketd.cli.reference ."


def test_every_word_is_in_exactly_one_table_of_the_page() -> None:
    tables = [group for group in groups() if f"<!-- words: {group} -->" in TEXT]
    assert tables == groups()
    listed = [word.name for group in groups() for word in words_of(group)]
    followers = [word.name for word in (*HOURS, *SPANS, *WORDS["running"].follows)]
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
    assert told(Scene(text, ending)).startswith(gives)
    assert bool(told(Scene(text, ending))) is bool(gives)


def test_an_example_about_the_task_itself_is_about_the_one_beside_it() -> None:
    spans = {word.name: scene(word).text for word in words_of("spans")}
    assert spans["this_week"] == 'succeeded("extract").this_week'
    assert all('("extract")' in text for text in spans.values())
