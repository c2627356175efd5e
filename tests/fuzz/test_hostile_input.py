"""Hostile condition texts, task files, socket bytes and output: an error that names the place, never a traceback.

4,000 of them, or as many as ROCKETD_INPUTS says (`make fuzz`); ROCKETD_SEED replays. Memory must not grow with them.
"""

import os
import secrets
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from rocketd.config.loader import load
from rocketd.core.errors import ConditionError
from rocketd.core.escaping import visible
from rocketd.core.history.history import History
from rocketd.core.instant import FOREVER
from rocketd.core.language.parser import parse
from rocketd.core.language.vocabulary import WORDS
from rocketd.core.model.condition import Condition
from rocketd.core.model.moment import Moment
from rocketd.core.model.task import Command, Task
from rocketd.executor.process.output import LINE_BYTES, LINE_COST, LineSplitter, Output
from support.fakes.control import served
from support.hostile_input import Spoiler, memory, said

INPUTS = int(os.environ.get("ROCKETD_INPUTS", "4000"))
SEED = int(os.environ.get("ROCKETD_SEED", secrets.randbelow(10**9)))
ANSWERS = (b"HTTP/1.1 2", b"HTTP/1.1 4", b"HTTP/1.1 100", b"HTTP/1.1 501")
GROWTH = 32 * 1024**2
"""Bytes that caches of a bounded size may take."""

CONDITIONS = (
    "daily",
    "(daily | retry(3)) & time_of_day.between('10:00', '12:00')",
    "every 10 minutes",
    "weekly.on('Monday')",
    "cron('*/5 1-3 1,15 * mon-fri', within='10 min')",
    "calendar('Mon..Fri *-*-1..7 03:00:00 Europe/Berlin')",
    "after task 'a' succeeded",
    "after_all_success('a', 'b') & ~running('c')",
    "(failed.today.between('10:00', '12:00') < 3)",
    "retry(5, delay='1 min', factor=2, max_delay='1 h', jitter='10 s', within='1 day')",
    "monthly.between(1, 5) | hourly.after('30:00')",
    "daily between 22:00 and 06:00",
    "every('1 h 30 min', based='finish')",
    "running('x').more_than('10 min')",
    "cron 0 3 * * 1-5",
    "time of day between 10:00 and 12:00",
    "started('a').past('2 hours') & true",
    "crontime('* 8-17 * * *')",
    "cron('0 9 * * 2,4') & cycle('2 weeks', since='2026-12-03', week_starts='Sun')",
    "every other week since 2026-12-03 | iso week 1, 14, 27",
    "since('2026-12-01 09:00') & until 2027-01-31",
    "monthly.on('31 or last') | quarterly.between(-3, '92 or last')",
    "cron('0 9 15W,LW,L-3 * ?') & workday('nyse')",
    "workday of month on 1, last & ~holiday of calendar 'x'",
    "workday_of_quarter('a.b').between(-3, 'last') | dates('/etc/x \\'y.dates')",
    "workday at 31 or last nearest | workday_at(-1, roll='before', calendar='z')",
    "host up more than 15 min less than 1 h & ~started.this_boot",
    "after_any_fail('a', 'b', delay='2 h', within='30 min')",
)

FILES = (
    '[calendar.default]\nweekend = ["Sat", "Sun"]\nholidays = ["/etc/x.dates"]\n[calendar.nyse]\nweekend = []\n',
    '[rocketd]\ntimezone = "Europe/Berlin"\nmax_running = 5\n[store]\nkeep = "3 days"\ndurability = "full"\n',
    (
        '[defaults]\ntimeout = "1h"\n[task.a]\ncommand = ["/bin/true", "x"]\n'
        'when = "daily & ~running(\'b\')"\numask = "0077"\n'
    ),
    (
        '[task.b]\ncommand = """\nfor a in 1 2; do echo $a; done\n"""\nshell = true\n'
        "when = '''every 10 minutes'''\nnice = 5\n"
    ),
    (
        '[task."c.d"]\nfunction = "os:getpid"\nparameters = { x = [1, 2.5, {y = 1979-05-27T07:32:00Z}] }\n'
        "limits = { core = 0 }\n"
    ),
    (
        '[task.e]\ncommand=["/bin/true"]\nenvironment = { A = "1", B = "\\u00e9" }\nsplay = "1 min"\n'
        'on = "boot"\npriority = -3\n'
    ),
)

REQUESTS = (
    "GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n",
    "GET /v1/runs?limit=5&since=2026-01-01T00:00:00Z&action=fail HTTP/1.1\r\nHost: x\r\n\r\n",
    'POST /v1/tasks/backup/pause HTTP/1.1\r\nHost: x\r\nContent-Length: 22\r\n\r\n{"reason":"a","until":}',
    "GET /v1/tasks/backup/why HTTP/1.1\r\nHost: x\r\n\r\n",
    "POST /v1/tasks/backup/run HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
)


@pytest.fixture(autouse=True)
def no_growth() -> Iterator[None]:
    print(f"ROCKETD_SEED={SEED}")  # noqa: T201 - how to replay
    before = memory()
    yield
    assert memory() - before < GROWTH


def test_condition_texts() -> None:
    """Each is an error that points into the text, or a condition that reads back and can be judged."""
    words = (
        *WORDS,
        "and",
        "between",
        "after",
        "every",
        "10:00",
        "'10:00'",
        "5",
        ".today",
        ".at",
        "cron",
        "<",
        "==",
        "task 'a'",
    )
    spoiler = Spoiler(SEED, words, CONDITIONS)
    instants = [spoiler.chance.randint(-(10**15), 4 * 10**15) for _ in range(50)]
    for number in range(INPUTS):
        text = spoiler.text()
        read = read_or_refused(text)
        if isinstance(read, Condition):
            judged(read, instants[number % 50], text)
        else:
            assert read.message
            assert 0 <= read.start <= read.end <= len(text), repr(text)


def read_or_refused(text: str) -> Condition | ConditionError:
    try:
        return parse(text)
    except ConditionError as error:
        return error
    except Exception as error:
        raise AssertionError(repr(text)) from error


def judged(condition: Condition, now: int, text: str) -> None:
    assert parse(str(condition)) == condition, repr(text)
    history = History()
    history.load("me")
    task = Task("me", Command(("/bin/true",)), when=condition)
    for zone in (UTC, ZoneInfo("Europe/Berlin")):
        verdict = condition.judge(Moment(now, replace(task, zone=zone), history))
        assert now < verdict.until <= FOREVER, (text, now, zone, verdict)


def test_task_files(tmp_path: Path) -> None:
    """Each gives tasks and problems, every problem at a place that is in the file."""
    words = (
        "[task.x]",
        "when",
        "=",
        "command",
        "shell = true",
        '"""',
        "'''",
        "{",
        "}",
        "[",
        "]",
        "#",
        "timeout",
        "[task]",
        "1e400",
        "nan",
    )
    spoiler = Spoiler(SEED, words, FILES)
    tmp_path.chmod(0o755)
    path = tmp_path / "tasks.toml"
    path.touch(mode=0o644)
    for _ in range(max(INPUTS // 10, 200)):
        data = spoiler.bytes()
        path.write_bytes(data)
        try:
            problems = load([tmp_path]).problems
            lines = data.decode(errors="replace").split("\n")
            for problem in problems:
                assert 1 <= problem.line <= len(lines) + 1
                assert problem.column >= 1
                assert "Traceback" not in str(problem)
        except Exception as error:
            raise AssertionError(repr(data)) from error


def test_socket_bytes(tmp_path: Path) -> None:
    """Each is answered by a status, or by silence; the next question is answered as if nothing had been."""
    spoiler = Spoiler(
        SEED, ("\r\n", "HTTP/1.1", "Content-Length: 5", "Expect: 100-continue", "/v1/", "%00", "?limit="), REQUESTS
    )
    with served(tmp_path / "control.sock") as daemon:
        for _ in range(max(INPUTS // 20, 100)):
            data = spoiler.bytes()
            answer = said(daemon.path, data)
            assert not answer or answer.startswith(ANSWERS), repr(data)
        assert said(daemon.path, b"GET /v1/status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").startswith(
            b"HTTP/1.1 200"
        )
        assert not [text for text in daemon.journal.messages if "defect" in text or "Traceback" in text]


def test_output() -> None:
    """However a task's output is cut, lines are bounded, the tail is, and nothing that is shown moves a cursor."""
    spoiler = Spoiler(
        SEED, ("\x1b[2J", "\x9b", "\n" * 50, "x" * 5000, "\u2028"), ("hello\n", "\x1b]0;title\x07\r\n", "…" * 300)
    )
    told: list[str] = []
    for _ in range(max(INPUTS // 100, 40)):
        told.clear()
        output, stream = Output(1000, lambda _, line: told.append(line), lambda: 0, 100_000), LineSplitter("stdout")
        for _ in range(100):
            output.feed(stream, spoiler.bytes())
        output.end(stream)
        tail, _ = output.close()
        assert len(tail.encode()) < 4200
        assert sum(len(line) + LINE_COST for line in told) <= 100_000 + 400
        for line in told:
            assert len(line) <= LINE_BYTES + 2
            assert "\n" not in line
            with suppress(UnicodeEncodeError):
                assert visible(line).isprintable(), repr(line)
