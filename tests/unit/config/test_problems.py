"""A problem shows the place, the sentence, the line with a caret, and a hint."""

from rocketd.config.problems import BadValue, Mistake, Problem


def problem(source_line: str, column: int, width: int, **more: str) -> Problem:
    texts = {"task": "", "message": "this is wrong", "hint": ""} | more
    return Problem("a.toml", 3, column, texts["task"], "error", texts["message"], texts["hint"], source_line, width)


def test_shows_place_task_line_caret_and_hint() -> None:
    shown = str(problem('when = "hourley"', 9, 7, task="a", hint="did you mean hourly?"))
    assert shown == (
        "a.toml:3:9: error: task 'a': this is wrong\n"
        'when = "hourley"\n'
        "        ^^^^^^^\n"
        "hint: did you mean hourly?"
    )  # fmt: skip


def test_shows_one_line_where_there_is_no_more_to_show() -> None:
    assert str(problem("", 1, 1)) == "a.toml:3:1: error: this is wrong"


def test_caret_stands_under_the_mistake_after_a_tab() -> None:
    assert str(problem("\tx = 1", 2, 1)).splitlines()[1:] == ["\tx = 1", "\t^"]


def test_caret_is_as_wide_as_what_a_terminal_shows() -> None:
    """CJK takes two columns, a combining accent none, an escape as many as it is written with."""
    assert str(problem("日本 = x", 1, 2)).splitlines()[2] == "^^^^"
    assert str(problem("日本 = x", 6, 1)).splitlines()[2] == "       ^"
    assert str(problem("e\u0301 = x", 1, 2)).splitlines()[2] == "^"
    assert str(problem("\x1b = x", 5, 1)).splitlines()[1:] == ["\\x1b = x", "       ^"]


def test_never_sends_what_a_terminal_would_obey() -> None:
    shown = str(problem("x\x1b[2J\u202e", 1, 1, message="a\x1bb", hint="c\nd", task="\x9b"))
    assert not {"\x1b", "\x9b", "\u202e"} & set(shown)
    assert len(shown.splitlines()) == 4


def test_json_has_the_promised_keys() -> None:
    keys = ["file", "line", "column", "task", "severity", "message", "hint", "source_line", "width", "source_column"]
    assert list(problem("x", 1, 1).as_json()) == keys


def test_a_mistake_is_about_the_task_it_stands_in() -> None:
    assert Mistake(("task", "a", "when"), "x").task == "a"
    assert Mistake(("defaults", "user"), "x").task == ""
    assert Mistake(("task",), "x").task == ""


def test_a_bad_value_inside_a_list_says_where() -> None:
    mistake = BadValue("x", path=(1,), start=2, end=3)
    assert mistake.under(("task", "a", "command")) == [Mistake(("task", "a", "command", 1), "x", start=2, end=3)]
