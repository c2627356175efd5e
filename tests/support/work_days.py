"""Random calendars and words about working days, and what they say of a date in the plain way: by looking at each."""

from calendar import monthrange
from datetime import date, timedelta

from hypothesis import strategies as st

from rocketd.core.model.work_calendar import Calendars, DateList, WorkCalendar, YearRange

BASE = date(2024, 1, 1)
ROLLS = ("before", "after", "nearest")
UNITS = {"week": 7, "month": 31, "quarter": 92, "year": 366}

_DAY = st.integers(0, 2500).map(lambda day: BASE.toordinal() + day)
_RUN = st.tuples(_DAY, st.integers(1, 30)).map(lambda run: tuple(range(run[0], run[0] + run[1])))
_YEARLY = st.sampled_from([(12, 25), (1, 1), (2, 29), (5, 1), (12, 31)])


@st.composite
def _lists(draw: st.DrawFn) -> DateList:
    days = {day: "a day" for run in draw(st.lists(_RUN, max_size=3)) for day in run}
    yearly = dict.fromkeys(draw(st.lists(_YEARLY, max_size=2)), "each year")
    workdays = dict.fromkeys(draw(st.lists(_DAY, max_size=6)), "")
    covers = draw(st.sampled_from([None, None, YearRange(2020, 2026), YearRange(2025, 2030)]))
    digest = repr((days, yearly, workdays, covers)).encode()  # files with the same are taken for the same
    return DateList("/x", digest, days, yearly, workdays, covers)


CALENDARS = st.builds(
    WorkCalendar,
    st.sampled_from([frozenset({5, 6}), frozenset({4, 5}), frozenset(), frozenset({6}), frozenset({0, 1, 2, 3, 4, 5})]),
    st.lists(_lists(), max_size=2).map(tuple),
)


def _nth(unit: str) -> st.SearchStrategy[str]:
    most = UNITS[unit]
    number = st.one_of(st.integers(1, most), st.integers(-most, -1), st.sampled_from([1, -1, 5, 20]))
    number = number.map(lambda n: max(-most, min(most, n)))
    between = st.tuples(st.integers(1, most), st.integers(-most, most).filter(bool)).filter(
        lambda pair: pair[1] < 0 or pair[0] <= pair[1]
    )
    return st.one_of(
        st.lists(number, min_size=1, max_size=3, unique=True).map(
            lambda found: f"workday_of_{unit}.on({', '.join(map(str, found))})"
        ),
        between.map(lambda pair: f"workday_of_{unit}.between({pair[0]}, {pair[1]})"),
    )


AT = st.builds(
    "workday_at({}, roll={!r})".format,
    st.one_of(st.integers(1, 31), st.integers(-31, -1), st.sampled_from(["'last'", "'31 or last'", "'30 or last'"])),
    st.sampled_from(ROLLS),
)
NTH = st.sampled_from(sorted(UNITS)).flatmap(_nth)
WORK_DAYS = st.one_of(st.sampled_from(["workday", "holiday", "dates('/f')"]), NTH, AT)


def calendars(known: WorkCalendar) -> Calendars:
    """Give a task this calendar as the default, and its files as the file /f."""
    return Calendars((("", known),), (("/f", WorkCalendar(frozenset(), known.lists)),))


def expected(word: str, day: int, known: WorkCalendar) -> bool | None:
    """Say whether a word holds on that date; None: not known."""
    name, _, rest = word.partition("(")
    if name == "workday":
        return works(day, known)
    if name in ("holiday", "dates"):
        return rests(day, known)
    if name == "workday_at":
        return _expected_at(rest, day, known)
    return _expected_nth(name, rest, day, known)


def _known(day: int, known: WorkCalendar) -> bool:
    year = date.fromordinal(day).year
    return all(one.covers is None or one.covers.first <= year <= one.covers.last for one in known.lists)


def _is_listed(day: int, known: WorkCalendar) -> bool:
    at = date.fromordinal(day)
    return any(day in one.days or (at.month, at.day) in one.yearly for one in known.lists)


def _is_made(day: int, known: WorkCalendar) -> bool:
    return any(day in one.workdays for one in known.lists)


def rests(day: int, known: WorkCalendar) -> bool | None:
    return _is_listed(day, known) and not _is_made(day, known) if _known(day, known) else None


def works(day: int, known: WorkCalendar) -> bool | None:
    weekend = date.fromordinal(day).weekday() in known.weekend
    if not _known(day, known):
        return False if weekend and not _is_made(day, known) else None
    return _is_made(day, known) or not (weekend or _is_listed(day, known))


def _unit(unit: str, day: int) -> list[int]:
    at = date.fromordinal(day)
    if unit == "week":
        first = at - timedelta(days=at.weekday())
        return [(first + timedelta(days=more)).toordinal() for more in range(7)]
    months = {"month": [at.month], "quarter": [(at.month - 1) // 3 * 3 + more for more in (1, 2, 3)]}.get(
        unit, list(range(1, 13))
    )
    return [
        date(at.year, month, number).toordinal()
        for month in months
        for number in range(1, monthrange(at.year, month)[1] + 1)
    ]


def _expected_nth(name: str, rest: str, day: int, known: WorkCalendar) -> bool | None:
    unit, _, how = name.removeprefix("workday_of_").partition(".")
    numbers = [int(number) for number in rest.rstrip(")").split(", ")]
    days = _unit(unit, day)
    if not all(_known(one, known) for one in days):
        return None
    working = [one for one in days if works(one, known)]
    if day not in working:
        return False
    place, from_end = working.index(day) + 1, working.index(day) - len(working)
    if how == "on":
        return place in numbers or from_end in numbers
    first, last = numbers
    return (place if first > 0 else from_end) >= first and (place if last > 0 else from_end) <= last


def _expected_at(rest: str, day: int, known: WorkCalendar) -> bool | None:
    mark, _, roll = rest.rstrip(")").replace("'", "").partition(", roll=")
    answers = {_moved(nominal, roll, day, known) for nominal in _nominals(mark, day)}
    return True if True in answers else None if None in answers else False


def _nominals(mark: str, day: int) -> list[date]:
    """Every such day of the months around, as far away as the calendars here can move it."""
    at = date.fromordinal(day)
    found = []
    for month in range(at.year * 12 + at.month - 1 - 8, at.year * 12 + at.month + 8):
        year, number = divmod(month, 12)
        days = monthrange(year, number + 1)[1]
        wanted = mark.split(maxsplit=1)[0]
        chosen = days if wanted == "last" else int(wanted) if int(wanted) > 0 else days + 1 + int(wanted)
        if "or last" in mark:
            chosen = min(chosen, days)
        if 1 <= chosen <= days:
            found.append(date(year, number + 1, chosen))
    return found


def _moved(nominal: date, roll: str, day: int, known: WorkCalendar) -> bool | None:
    """Whether that date is moved to that day; None: not known."""
    if roll == "nearest":
        ways = sorted(_unit("month", nominal.toordinal()), key=lambda one: (abs(one - nominal.toordinal()), one))
    else:
        step = -1 if roll == "before" else 1
        ways = [nominal.toordinal() + step * away for away in range(240)]
    for one in ways:
        answer = works(one, known)
        if one == day or answer:
            return answer if one == day else False
        if answer is None:
            # It may be moved to this one, or on to any later of these.
            later = ways[ways.index(one) :]
            return None if day in later and _may_get_to(day, later, known) else False
    return False


def _may_get_to(day: int, ways: list[int], known: WorkCalendar) -> bool:
    return works(day, known) is not False and not any(works(one, known) for one in ways[: ways.index(day)])
