"""The language as text: what reads, what it reads as, and what mistakes are told."""

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import rocketd.conds
from rocketd.conds import (
    after_all_fail,
    after_all_finish,
    after_all_success,
    after_any_fail,
    after_any_finish,
    after_any_success,
    after_fail,
    after_finish,
    after_success,
    cron,
    daily,
    every,
    failed,
    false,
    monthly,
    retry,
    running,
    succeeded,
    true,
    weekly,
)
from rocketd.core.errors import ConditionError
from rocketd.core.language.conflicts import refuse_unfit
from rocketd.core.language.parser import parse
from rocketd.core.language.vocabulary import WORDS
from rocketd.core.language.word import Word
from rocketd.core.model.condition import Condition
from rocketd.core.string_literals import quoted
from support.evaluation import CONDITION


def wrong(text: str) -> ConditionError:
    with pytest.raises(ConditionError) as caught:
        parse(text)
    return caught.value


# -- what reads


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("daily", daily),
        ("  daily\n", daily),
        ("(daily)", daily),
        ("~daily", ~daily),
        ("~~daily", daily),
        ("daily & running | ~retry", (daily & running) | ~retry),
        ("daily | running & retry", daily | (running & retry)),
        ("daily & (running | retry)", daily & (running | retry)),
        ("~daily & running", (~daily) & running),
        ("~(daily & running)", ~(daily & running)),
        ("daily\n  & running\t& retry", daily & running & retry),
        ('daily.between("10:00", "12:00")', daily.between("10:00", "12:00")),
        ("daily.between('10:00','12:00',)", daily.between("10:00", "12:00")),
        ("daily.between(start='10:00', end='12:00')", daily.between("10:00", "12:00")),
        ("weekly.on('Mon', 3)", weekly.on("Mon", 3)),
        ("monthly.on(-1)", monthly.on("last")),
        ("every('10 min')", every("10 min")),
        ("every('10 min', 'finish')", every("10 min", based="finish")),
        ("every('10 min', based='finish')", every("600s", based="finish")),
        ("cron('0 3 * * 1-5', within='10 min')", cron("0 3 * * 1-5", within="10 min")),
        ("retry", retry),
        ("retry()", retry()),
        ("retry(3)", retry(3)),
        ("retry(times=3, delay='1 min', factor=1.5)", retry(3, delay="1 min", factor=1.5)),
        ("running('a')", running("a")),
        ("failed('a').this_hour.after('15:00')", failed("a").this_hour.after("15:00")),
        ("succeeded.today", succeeded.today),
        ("(failed.today < 3)", failed.today < 3),
        ("~(failed.today < 3) & true", ~(failed.today < 3) & true),
        ("((failed.today) < 3)", failed.today < 3),
        ("after_success('a')", after_success("a")),
        ("after_fail('a')", after_fail("a")),
        ("after_finish('a')", after_finish("a")),
        ("after_all_success('a', 'b')", after_all_success("a", "b")),
        ("after_all_fail('a', 'b')", after_all_fail("a", "b")),
        ("after_all_finish('a', 'b')", after_all_finish("a", "b")),
        ("after_any_success('a', 'b')", after_any_success("a", "b")),
        ("after_any_fail('a', 'b')", after_any_fail("a", "b")),
        ("after_any_finish('a', 'b')", after_any_finish("a", "b")),
        (r"running('it\'s \"a\" \\ \x41é\n')", running('it\'s "a" \\ A\u00e9\n')),
        ("always & ~never", true & ~false),
    ],
)
def test_text_and_python_make_the_same_condition(text: str, condition: Condition) -> None:
    """Precedence is Python's: ~, then &, then |."""
    assert parse(text) == condition


def test_every_word_has_an_example_that_reads_and_a_name_in_python() -> None:
    for word in WORDS.values():
        assert isinstance(parse(word.example), Condition)
        assert hasattr(rocketd.conds, word.name)
        assert word.about.endswith(".")
        for follower in word.follows:
            assert isinstance(parse(follower.example), Condition)


def test_python_and_text_know_the_same_words() -> None:
    """Whatever `rocketd.conds` names in lower case is a word; but what it uses itself, and what makes new ones."""
    uses = {
        "condition_of_function",
        "did_you_mean",
        "duration_of",
        "name_of",
        "named_zone",
        "parser",
        "partial",
        "wraps",
        "format_duration",
        "timedelta",
    }
    makes = {"condition", "parse"}
    assert {name for name in vars(rocketd.conds) if name[0].islower()} - uses - makes == set(WORDS)


# -- phrases


@pytest.mark.parametrize(
    ("phrase", "text"),
    [
        ("daily between 10:00 and 12:00", 'daily.between("10:00", "12:00")'),
        ("daily after 10:00", 'daily.after("10:00")'),
        ("daily before 10:00:30", 'daily.before("10:00:30")'),
        ("daily starting 06:00", 'daily.starting("06:00")'),
        ("daily at 10:00", 'daily.at("10:00")'),
        ("daily at 10:00, 15:00", 'daily.at("10:00", "15:00")'),
        ("daily at 10:00 and '15:00'", 'daily.at("10:00", "15:00")'),
        ("weekly on Mon", 'weekly.on("Mon")'),
        ("weekly between Fri 18:00 and Mon 06:00", 'weekly.between("Fri 18:00", "Mon 06:00")'),
        ("monthly on last, -5", "monthly.on(-5, -1)"),
        ("yearly between Dec 24 and Jan 6", 'yearly.between("Dec 24", "Jan 6")'),
        ("hourly at 15:00", 'hourly.at("15:00")'),
        ("every 10 minutes", 'every("10min")'),
        ("every 1 h 30 min", 'every("1h 30min")'),
        ("cron 0 3 * * 1-5", 'cron("0 3 * * 1-5")'),
        ("cron */5 8-18 * * mon-fri", 'cron("*/5 8-18 * * mon-fri")'),
        ("time of day between 10:00 and 12:00", 'time_of_day.between("10:00", "12:00")'),
        ("time of week on Sat", 'time_of_week.on("Sat")'),
        ("after task 'a'", 'after_success("a")'),
        ("after task 'a' succeeded", 'after_success("a")'),
        ("after task 'a' failed", 'after_fail("a")'),
        ("after task 'a' finished", 'after_finish("a")'),
        ("after tasks 'a', 'b'", 'after_all_success("a", "b")'),
        ("after all tasks 'a', 'b' finished", 'after_all_finish("a", "b")'),
        ("after any tasks 'a', 'b' failed", 'after_any_fail("a", "b")'),
        ("has succeeded", "succeeded"),
        ("has succeeded today", "succeeded.today"),
        ("has started this hour", "started.this_hour"),
        ("has succeeded today between 10:00 and 12:00", 'succeeded.today.between("10:00", "12:00")'),
        ("task 'a' has failed this week", 'failed("a").this_week'),
        ("(task 'a' has failed today < 3)", '(failed("a").today < 3)'),
        ("task 'a' is running", 'running("a")'),
        ("is running", "running"),
        ("has failed past 2 hours", 'failed.past("2h")'),
        ("(task 'a' has failed past 2 h >= 3)", '(failed("a").past("2h") >= 3)'),
        ("(task 'a' is running < 2)", '(running("a") < 2)'),
        ("retry 3", "retry(3)"),
        ("(daily | retry 3) & time_of_day.after('10:00')", '(daily | retry(3)) & time_of_day.after("10:00")'),
        (
            "~daily after 10:00 | every 10 min & ~(task 'a' is running)",
            '~daily.after("10:00") | every("10min") & ~running("a")',
        ),
        ("succeeded.today after 10:00", 'succeeded.today.after("10:00")'),
        ("cron 0 3 * * * | (cron 5 * * * *) | daily", 'cron("0 3 * * *") | cron("5 * * * *") | daily'),
    ],
)
def test_phrases_mix_freely_with_the_python_spelling(phrase: str, text: str) -> None:
    assert str(parse(phrase)) == text


def test_every_phrase_of_the_table_means_its_example() -> None:
    for word in WORDS.values():
        for one in (word, *word.follows):
            if one.phrase:
                assert parse(one.phrase) == parse(one.example)


# -- the normal form


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("((daily))", "daily"),
        ("daily|running&~ retry", "daily | running & ~retry"),
        ("(daily | running) & retry", "(daily | running) & retry"),
        ("(daily & running) | retry", "daily & running | retry"),
        ("~(daily | running)", "~(daily | running)"),
        ("daily & (running & retry)", "daily & running & retry"),
        ("always | never", "true | false"),
        ("every('5400 s', based='run')", 'every("1h 30min")'),
        ("daily.on('9:00')", 'daily.at("09:00")'),
        ("weekly.at('monday')", 'weekly.on("Mon")'),
        ("monthly.on('last', '2nd')", "monthly.on(2, -1)"),
        ("succeeded.this_day.on('10:00')", 'succeeded.today.at("10:00")'),
        ("after_any_fail('a')", 'after_any_fail("a")'),
        ("running.more_than('600 s')", 'running.more_than("10min")'),
        ("running('a').less_than('1 h')", 'running("a").less_than("1h")'),
        ("running.between('0 h 5 min','1 h')", 'running.between("5min", "1h")'),
        ("crontime 15-59 8 * * *", 'crontime("15-59 8 * * *")'),
        ("((failed.today<3))", "(failed.today < 3)"),
        ("retry(delay='60', times=2)", 'retry(2, delay="1min")'),
        ("cron('@daily')", 'cron("0 0 * * *")'),
        (r"running('a\"\\\n')", r'running("a\"\\\n")'),
    ],
)
def test_every_condition_prints_its_normal_form(text: str, normal: str) -> None:
    assert str(parse(text)) == normal
    assert parse(normal) == parse(text)


@pytest.mark.parametrize(
    "text", [one.example for word in WORDS.values() for one in (word, *word.follows) if one.example]
)
def test_the_normal_form_is_python(text: str) -> None:
    """It means the same in a program that imports the words."""
    condition = parse(text)
    assert eval(str(condition), {**vars(rocketd.conds), "__builtins__": {}}) == condition  # noqa: S307 - what it is about


@given(CONDITION)
def test_the_normal_form_reads_back_as_an_equal_condition(text: str) -> None:
    try:
        condition = parse(text)
    except ConditionError:
        return
    again = parse(str(condition))
    assert again == condition
    assert hash(again) == hash(condition)
    assert str(again) == str(condition)


@given(st.text(min_size=1))
def test_any_name_of_a_task_reads_back(name: str) -> None:
    assert parse(f"running({quoted(name)})") == running(name)


# -- mistakes


@pytest.mark.parametrize(
    ("text", "message", "place", "hint"),
    [
        ("hourley", "hourley is not a condition; did you mean hourly?", "hourley", ""),
        ("daily & Hourly", "Hourly is not a condition; did you mean hourly?", "Hourly", ""),
        ("xyzzy", "xyzzy is not a condition", "xyzzy", ""),
        ("täglich", "täglich is not a condition", "täglich", ""),
        ("", "a condition is missing at the end", "", "as in daily"),
        ("daily &", "a condition is missing at the end", "", "as in daily"),
        ("daily & & hourly", "& is not a condition", "&", "as in daily"),
        ("daily hourly", "hourly is not expected here", "hourly", "& (both) or | (either)"),
        ("daily and hourly", "and is not an operator here; write &", "and", "& and |"),
        ("daily or hourly", "or is not an operator here; write |", "or", "& and |"),
        ("not daily", "not is not an operator here; write ~", "not", "~"),
        ("daily && hourly", "&& is not an operator here; write &", "&&", "& and |"),
        ("daily || hourly", "|| is not an operator here; write |", "||", "& and |"),
        ("!daily", "! is not an operator here; write ~", "!", "~"),
        ("(daily", "this bracket is not closed", "(", ""),
        ("daily)", "this bracket has no opening bracket", ")", ""),
        ("(daily hourly)", "hourly is not expected here", "hourly", "& (both) or | (either)"),
        ("running('a'", "this bracket is not closed", "(", "running("),
        ("running('a", "this quote is not closed", "'", ""),
        ("'daily'", "'daily' is not a condition", "'daily'", "as in daily"),
        ("3", "3 is not a condition", "3", "as in daily"),
        ("daily()", "daily takes no brackets", "(", "daily.between("),
        ("every", "every needs brackets", "every", 'every("10 minutes")'),
        ("daily.between", "between needs brackets", "between", "daily.between("),
        ("every()", 'every needs a duration in quotes, such as "10 min"', "()", "every("),
        ("daily.between('10:00')", "between needs a time in quotes, or a number", "('10:00')", "daily.between("),
        ("every(10 min)", "min is not expected here", "min", "put text in quotes"),
        ("every(10)", 'every takes a duration in quotes, such as "10 min" here', "10", 'every("10 minutes")'),
        ("daily.at(10:00)", "10:00 is not a text or a number", "10:00", "put text in quotes"),
        ("running(a)", "a is not a text or a number", "a", "put text in quotes"),
        ("retry(3, 4)", "retry takes no more values", "4", "retry(3"),
        ("retry(1.5)", "retry takes a whole number here", "1.5", "retry(3"),
        ("retry(3, times=4)", "times is given twice", "4", ""),
        ("retry(delay='1 min', 3)", "a positional argument cannot follow a named one", "3", ""),
        ("retry(dely='1 min')", "retry has no argument dely; did you mean delay?", "dely", ""),
        ("retry(foo='1 min')", "retry has no argument foo", "foo", "retry(3"),
        ("retry(3,,)", ", is not a text or a number", ",", ""),
        ("retry(9999999999999999)", "the number is longer than 15 characters", "9999999999999999", ""),
        (
            "after_success('a', 'b')",
            "after_success takes no more values",
            "'b'",
            "after_all_success or after_any_success",
        ),
        ("after_any_fail()", "after_any_fail needs the name of a task in quotes", "()", "after_any_fail("),
        ("daily.betwen('a', 'b')", "daily has no betwen; did you mean between?", "betwen", ""),
        ("daily.foo", "daily has no foo", "foo", "between, after, before"),
        ("daily.", "a name is missing at the end", "", "between, after, before"),
        ("daily.'10:00'", "'10:00' is not a name", "'10:00'", "between, after, before"),
        ("retry.today", "nothing can follow retry", "today", "retry(3"),
        ("daily.at('10:00').at('11:00')", "nothing can follow at", "at", "daily.at("),
        ("failed.after('10:00')", "failed has no after", "after", "this_day, today"),
        ("failed.today < 3", "a comparison needs brackets", "<", "(failed.today < 3)"),
        ("task 'a' has failed today < 3", "a comparison needs brackets", "<", "(failed.today < 3)"),
        (
            "(daily < 3)",
            "only words about events and active runs can be compared with a number",
            "<",
            "(failed.today < 3)",
        ),
        ("(failed.today < daily)", "a comparison needs a whole number", "daily", "(failed.today < 3)"),
        ("(failed.today < 3.5)", "a comparison needs a whole number", "3.5", "(failed.today < 3)"),
        ("daily.at('10')", '"10" is not a time of day', "10", 'write "10:00"'),
        ("every('10 mn')", "mn is not a unit of time", "mn", "5 min"),
        ("cron('0 3 * *')", "a cron line has 5 fields, this one has 4", "0 3 * *", "6 fields with seconds"),
        ("daily & cron('0 0 30 2 *')", "0 0 30 2 * never happens: there is no such day", "30 2", ""),
        ("weekly.on('Mon', 'Tue 25:00')", '"25:00" is not a time of day', "25:00", "10:00"),
        (
            "every('10 min', based='succes')",
            "succes is not a base; allowed: run, success, fail, finish",
            "'succes'",
            "",
        ),
        (r"running('\q')", r"\q is not a valid escape sequence", r"\q", r"\\"),
        (r"daily.at('\x31\x30')", '"10" is not a time of day', r"'\x31\x30'", 'write "10:00"'),
        ("daily betwen 10:00 and 12:00", "betwen is not expected here; did you mean between?", "betwen", ""),
        ("daily between 10:00", "and is missing at the end", "", "between 10:00 and 12:00"),
        ("daily between 10 and 12:00", '"10" is not a time of day', "10", 'write "10:00"'),
        ("daily at", "a time is missing at the end", "", "daily at 10:00"),
        ("daily at 10:00, & hourly", "& is not a time", "&", "daily at 10:00"),
        ("every 10 mn", "mn is not a unit of time", "mn", "5 min"),
        ("hourly | cron 0 3 * 13 *", "13 is not a month", "13", "jan"),
        ("after task extract", "extract is not the name of a task in quotes", "extract", "after task 'extract'"),
        ("after 10:00", "10:00 is not task or tasks", "10:00", "after task"),
        ("task 'a' was running", "was is not has or is", "was", "has failed today"),
        ("has failled today", "failled is not what can follow has; did you mean failed?", "failled", "started"),
        ("task 'a' is runing", "runing is not what can follow is; did you mean running?", "runing", "running"),
        ("has failed this hor", "hor is not a unit of time; did you mean hour?", "hor", "minute"),
        ("time of dya", "dya is not a unit of time; did you mean day?", "dya", "second"),
        ("time off day", "off is not of", "off", ""),
        ("retry 0", "retry needs a number of attempts from 1 on", "0", "retry(3)"),
        ("after('a')", "after is not a condition", "after", "write after_success"),
        ("daily.at('24:00')", '"24:00" is beyond the day', "24:00", 'the day begins at "00:00"'),
        ("hourly.at('60:00')", '"60:00" is beyond the hour', "60:00", 'the hour begins at "00:00"'),
        ("daily.between('08:00', '08:00')", 'it begins where it ends, at "08:00"', "08:00", 'starting("08:00")'),
        ("yearly.on('24 Dec')", '"24" is not a month', "24", 'write "Dec 24"'),
        ("yearly.on('24. december')", '"24." is not a month', "24.", 'write "Dec 24"'),
        ("yearly.on('02-29')", '"02-29" is not a month', "02-29", 'write "Feb 29"'),
        ("yearly.on('13-29')", '"13-29" is not a month', "13-29", "allowed here"),
        ("cron('0 9 L-3W * *')", "L-3W is not a day of the month", "L-3W", 'workday_at(-4, roll="nearest")'),
        ("cron('0 9 1,LW-3 * *')", "LW-3 is not a day of the month", "LW-3", "workday_of_month.on(-4)"),
        ("cron('0 9 1-5W * *')", "1-5W is not a day of the month", "1-5W", "W stands for one day"),
        ("cron('0 9 wed * *')", "wed is not a day of the month", "wed", "1 to 31"),
        ("every('-5 min')", "a length of time cannot be negative", "-5", "write a number"),
        ("every('0')", "it must be longer than zero", "0", "write a number"),
        ("running('tag:')", "the name of a task or a tag is missing", "'tag:'", "tag:db"),
        ("host_up(more_than='1h', less_than='1 h')", "it can never be less than 1 h", "1 h", "the longer one"),
        (
            "every other Tuesday since 2026-12-01",
            "a cycle is of whole units",
            "every other Tuesday since 2026-12-01",
            ("write cron('0 0 * * tue') & cycle('2 weeks', since='2026-12-01')"),
        ),
        ("\x00daily", r"\x00daily is not a condition", "\x00daily", ""),
        (r"running('\ud800')", r"\ud800 is not a character", r"\ud800", ""),
        ("daily\ud800", r"\ud800 is not expected here", "\ud800", ""),
    ],
)
def test_a_mistake_is_named_placed_and_mended(text: str, message: str, place: str, hint: str) -> None:
    error = wrong(text)
    assert error.message == message
    assert text[error.start : error.end] == place
    assert hint in error.hint
    if place:
        assert error.end <= len(text)


def test_an_interval_that_adds_nothing_to_a_word_that_comes_once_is_refused() -> None:
    error = wrong('true & daily & every("1 h")')
    assert error.message == 'every("1h") adds nothing to daily, which runs once a day'
    assert (error.start, error.end) == (0, 27)
    assert "adds nothing" in wrong('daily & (running & every("1 h"))').message
    narrowed = wrong("daily.between('08:00', '18:00') & every('1 h')")
    assert 'every("1h") & time_of_day.between("08:00", "18:00")' in narrowed.hint
    for fine in ('daily & every("20 h")', 'hourly & every("1 day")', 'daily | every("1 h")'):
        assert isinstance(parse(fine), Condition)


def test_two_ticks_joined_by_and_are_refused() -> None:
    error = wrong("cron('0 3 * * *') & cron('5 * * * *')")
    assert "joined by &" in error.message
    assert "crontime(" in error.hint
    assert "time_of_day" in error.hint
    assert "joined by &" in wrong("cron('0 3 * * *') & (daily | ~cron('5 * * * *'))").message
    assert isinstance(parse("cron('0 3 * * *') | cron('5 * * * *')"), Condition)


def test_what_was_written_in_python_is_refused_as_well() -> None:
    refuse_unfit(daily | every("1 h"))
    with pytest.raises(ConditionError, match="adds nothing"):
        refuse_unfit(true | ~(daily & every("1 h")))
    with pytest.raises(ConditionError, match="joined by &"):
        refuse_unfit(cron("0 3 * * *") & cron("5 * * * *"))


def test_in_python_a_word_without_what_it_needs_is_refused() -> None:
    with pytest.raises(ConditionError, match="at needs a time"):
        daily.at()
    with pytest.raises(ConditionError, match="after_any_fail needs the name of a task"):
        after_any_fail()
    with pytest.raises(ConditionError, match=r"already narrowed to after\(\"10:00\"\)"):
        daily.after("10:00").before("12:00")


def test_what_is_too_long_or_too_deep_is_refused() -> None:
    assert "longer than 20000 characters" in wrong("daily | " * 3000 + "daily").message
    assert "nested more than 50 deep" in wrong("(" * 60 + "daily" + ")" * 60).message
    assert parse("(" * 50 + "daily" + ")" * 50) == daily
    assert parse("~" * 9_000 + "daily") == daily
    assert len(parse(" | ".join(["daily", "hourly"] * 1000)).parts) == 2000


_PIECES = st.sampled_from(
    [
        *WORDS,
        *("&", "|", "~", "(", ")", ".", ",", "<", "==", "'", '"', "\\", " ", "\n", "\0", "\ud800", "and", "not"),
        *("between", "today", "at", "on", "based=", "within=", "10:00", '"10:00"', "'Mon'", "3", "-1", "1e9", "é"),
        *(
            "time",
            "of",
            "day",
            "task",
            "has",
            "is",
            "this",
            "every ",
            "cron ",
            "failed",
            "after",
            "any",
            "tasks",
            "'a'",
        ),
        *('"0 3 * * *"', '"1 h"', '"a"', "()", "''"),
    ]
)
MANGLED = st.lists(_PIECES, max_size=12).map("".join)


@given(
    st.one_of(st.text(), MANGLED, st.text(alphabet="dailynot&|~()'\". 0123<>=\\"), CONDITION.map(lambda text: text[1:]))
)
@example("\ud800")
@example('running("\\')
def test_no_text_raises_anything_but_a_condition_error_with_its_place(text: str) -> None:
    try:
        condition = parse(text)
    except ConditionError as error:
        problem = error
    else:
        assert parse(str(condition)) == condition
        return
    assert problem.message.isprintable()
    assert problem.hint.isprintable()
    assert 0 <= problem.start <= problem.end <= len(text)


@given(st.sampled_from(sorted(WORDS)), st.text(max_size=8))
def test_no_argument_raises_anything_but_a_condition_error(name: str, argument: str) -> None:
    word = WORDS[name]
    for text in _uses(word, quoted(argument)):
        try:
            parse(text)
        except ConditionError as error:
            assert 0 <= error.start <= error.end <= len(text)  # noqa: PT017 - most of them are errors


def _uses(word: Word, argument: str) -> list[str]:
    used = [f"{word.name}({argument})", f"{word.name}({argument}, {argument})"]
    for follower in word.follows:
        used += [f"{word.name}.{follower.name}({argument})", f"{word.name}.{follower.name}({argument}, {argument})"]
    return used


def test_nothing_is_evaluated(tmp_path: Path) -> None:
    target = tmp_path / "made"
    for text in (f"open('{target}', 'w')", f"daily if open('{target}', 'w') else daily", "daily.__class__", "().x"):
        wrong(text)
    assert not target.exists()


@pytest.mark.parametrize("outcome", ["success", "fail", "finish"])
def test_who_names_several_tasks_where_one_is_taken_is_told_the_words_for_several(outcome: str) -> None:
    hint = wrong(f"after_{outcome}('a', 'b')").hint
    assert f"after_all_{outcome}" in hint
    assert f"after_any_{outcome}" in hint


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("has failed in past 2 hours", 'failed.past("2h")'),
        ("task 'x' has succeeded in past 2 mins & daily", 'succeeded("x").past("2min") & daily'),
        ("always true & ~always false", "true & ~false"),
        ("while task 'x' is running", 'running("x")'),
        ("every 1 hour, 20 min", 'every("1h 20min")'),
        ("every 1 day, 2 hrs & true", 'every("1d 2h") & true'),
        ("every 00:10:00", 'every("10min")'),
        ("every 1 day 10:20:30", 'every("1d 10h 20min 30s")'),
    ],
)
def test_phrases_that_rocketry_reads(written: str, meant: str) -> None:
    assert str(parse(written)) == meant


@pytest.mark.parametrize("text", ["scheduler has run over 10 minutes", "param 'x' exists", "param 'x' is 'y'"])
def test_phrases_of_rocketry_that_are_not_read_are_told_what_does_the_same(text: str) -> None:
    with pytest.raises(ConditionError, match="is not a condition") as caught:
        parse(text)
    assert "scheduler_running" in caught.value.hint or "Arg" in caught.value.hint


def test_a_float_is_a_point_in_time_whatever_was_asked_before() -> None:
    for number, spelled in ((45, "45"), (45.0, '"45"'), (45.5, '"45.5"'), (45, "45")):
        assert str(rocketd.conds.time_of_minute.before(number)) == f"time_of_minute.before({spelled})"
    rocketd.conds.time_of_day.after(1)
    with pytest.raises(ConditionError, match="True is not from 0 to 23"):
        rocketd.conds.time_of_day.after(True)  # noqa: FBT003 - that is the question
