"""The content of mails, as text and as HTML: details of one run, or a digest of several."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import tzinfo
from typing import Final, NamedTuple

from rocketd.core.dataclass import dataclass, field
from rocketd.core.duration import approximate_duration
from rocketd.core.escaping import visible
from rocketd.core.instant import Instant
from rocketd.core.instant_text import timestamp_with_zone
from rocketd.core.messages.notification_messages import sentence
from rocketd.core.model.events import Finished, Missed
from rocketd.core.model.run import Action, End, Run, Usage
from rocketd.core.notifications.occasions import Overdue, Slow, task_of
from rocketd.core.signal_names import signal_name
from rocketd.core.size import approximate_size

MAX_LISTED: Final = 100
"""The most runs that a digest lists; the others are counted."""
OUTPUT_LINES: Final = 50
OUTPUT_CHARACTERS: Final = 8_000
"""The most that a mail shows of the end of a run's output."""
_SUBJECT: Final = 150

_WORDS: Final = {
    Action.SUCCESS: "succeeded",
    Action.FAIL: "failed",
    Action.TERMINATE: "stopped",
    Action.INACTION: "had nothing to do",
    Action.CRASH: "interrupted",
    Action.MISSED: "missed",
}


def _nothing() -> None:
    pass


@dataclass(frozen=True, slots=True)
class Notice:
    """An event to send mail about, with the state of its task at that time."""

    event: Finished | Missed | Overdue | Slow
    next: Instant | None
    """When the task is expected to be due next; None: only an event makes it due."""
    zone: tzinfo
    """The time zone of the task, in which its times are shown."""
    description: str = ""
    next_if: str = ""
    """The condition that must hold at `next` for the task to be due then; empty: none."""
    now_if: str = ""
    """The condition that makes the task due as soon as it holds; empty: none."""
    done: Callable[[], None] = field(default=_nothing, compare=False)
    """Called on the mail queue's thread, once the server has it or never will."""

    @property
    def task(self) -> str:
        return task_of(self.event)

    @property
    def word(self) -> str:
        """What has happened, in a digest."""
        match self.event:
            case Missed():
                return _WORDS[Action.MISSED]
            case Overdue():
                return "overdue"
            case Slow():
                return "slow"
            case Finished(_, end):
                return _WORDS[end.action]

    @property
    def at(self) -> Instant:
        return self.event.end.at if isinstance(self.event, Finished) else self.event.at

    @property
    def sentence(self) -> str:
        """The message of the journal, as one line."""
        return _one_line(sentence(self.event))


class MailMessage(NamedTuple):
    """A mail without its envelope."""

    subject: str
    text: str
    html: str


def compose(notices: Sequence[Notice], host: str, dropped: int = 0) -> MailMessage:
    """Return a mail about these notices (at least one, oldest first) and a count of `dropped` ones."""
    if len(notices) == 1 and not dropped:
        return _single(notices[0], host)
    return _digest(notices, host, dropped)


# -- about one run


def _single(notice: Notice, host: str) -> MailMessage:
    facts = [(name, value) for name, value in [*_facts(notice), ("host", host), *_see_more(notice)] if value]
    output = _output(notice)
    width = max(len(name) for name, _ in facts)
    text = [notice.sentence, "", *(f"{name:{width}}  {value}" for name, value in facts)]
    if output:
        text += ["", "the end of its output:", *(f"    {line}" for line in output)]
    rows = "".join(f"<tr><th align=left>{_escape(name)}</th><td>{_escape(value)}</td></tr>" for name, value in facts)
    shown = f"<p>The end of its output:</p><pre>{_escape(chr(10).join(output))}</pre>" if output else ""
    html = f"<p><b>{_escape(notice.sentence)}</b></p><table cellpadding=4>{rows}</table>{shown}"
    return MailMessage(_subject(host, notice.sentence), _encodable("\n".join(text) + "\n"), _html_page(html))


def _facts(notice: Notice) -> Iterator[tuple[str, str]]:
    event, zone = notice.event, notice.zone
    yield "task", notice.task + (f" ({_one_line(notice.description)})" if notice.description else "")
    if isinstance(event, Missed):
        yield "why", _one_line(event.reason)
        yield (
            "due",
            timestamp_with_zone(event.first, zone)
            + (f", and up to {timestamp_with_zone(event.last, zone)}" if event.count > 1 else ""),
        )
    elif isinstance(event, Overdue):
        yield "since", timestamp_with_zone(event.since, zone)
    else:
        yield from _run_facts(event.run, zone)
    if isinstance(event, Finished):
        yield from _end_facts(event.end, zone)
    yield "next run", _next_run(notice)


def _next_run(notice: Notice) -> str:
    sooner = f"when {_one_line(notice.now_if)} holds" if notice.now_if else ""
    if notice.next is None:
        return sooner or "not known: an event makes it due"
    at = timestamp_with_zone(notice.next, notice.zone)
    if notice.next_if:
        return f"{at}, if {_one_line(notice.next_if)} holds then"
    return f"{at}, or {sooner}" if sooner else at


def _run_facts(run: Run, zone: tzinfo) -> Iterator[tuple[str, str]]:
    yield "run", f"{run.task}/{run.number}" + (f", attempt {run.attempt}" if run.attempt > 1 else "")
    yield "why it ran", f"{_one_line(run.reason)} ({run.trigger})" if run.reason else str(run.trigger)
    yield "due", timestamp_with_zone(run.due, zone)
    yield "started", timestamp_with_zone(run.start, zone)


def _end_facts(end: End, zone: tzinfo) -> Iterator[tuple[str, str]]:
    yield (
        "ended",
        timestamp_with_zone(end.at, zone) + (f", after {approximate_duration(end.runtime)}" if end.runtime else ""),
    )
    yield "exit code", "" if end.exit_code is None else str(end.exit_code)
    yield "signal", "" if end.signal is None else signal_name(end.signal)
    yield "used", _used(end.usage)
    yield "message", _one_line(end.message)


def _used(usage: Usage) -> str:
    """Say what is known of what it has used."""
    parts = (
        "" if usage.cpu is None else f"{approximate_duration(usage.cpu)} of CPU time",
        "" if usage.memory is None else f"up to {approximate_size(usage.memory)} of memory",
        "" if usage.io_read is None else f"{approximate_size(usage.io_read)} read from disk",
        "" if usage.io_written is None else f"{approximate_size(usage.io_written)} written to disk",
    )
    return ", ".join(filter(None, parts))


def _see_more(notice: Notice) -> Iterator[tuple[str, str]]:
    if isinstance(notice.event, Missed | Overdue):
        yield "see more", f"rocketctl why {notice.task}; rocketctl history {notice.task}"
    else:
        run = notice.event.run
        yield "see more", f"rocketctl show {run.task}/{run.number}; journalctl ROCKETD_RUN_ID={run.run_id}"


def _output(notice: Notice) -> list[str]:
    if not isinstance(notice.event, Finished):
        return []
    shown = notice.event.end.exc_text or notice.event.end.output
    end = shown[-OUTPUT_CHARACTERS:]
    lines = end.splitlines()
    before = ["… earlier output is omitted here"] if end != shown or len(lines) > OUTPUT_LINES else []
    return [*before, *(visible(line.expandtabs()) for line in lines[-OUTPUT_LINES:])]


# -- about many


def _digest(notices: Sequence[Notice], host: str, dropped: int) -> MailMessage:
    counts = Counter(notice.word for notice in notices)
    summary = ", ".join(f"{count} {word}" for word, count in counts.most_common())
    count = len(notices) + dropped
    headline = f"{count} runs: {summary}" + (f", {dropped} more" if dropped else "")
    lines = [(timestamp_with_zone(notice.at, notice.zone), notice.sentence) for notice in notices[:MAX_LISTED]]
    rest = f"… and {count - len(lines)} more: rocketctl history" if count > len(lines) else ""
    text = [headline, "", *(f"{at}  {sentence}" for at, sentence in lines), *([rest] if rest else []), ""]
    text += [f"host      {host}", "see more  rocketctl history; rocketctl show TASK/NUMBER"]
    rows = "".join(f"<tr><td>{_escape(at)}</td><td>{_escape(sentence)}</td></tr>" for at, sentence in lines)
    html = f"<p><b>{_escape(headline)}</b></p><table cellpadding=4>{rows}</table><p>{_escape(rest)}</p>"
    html += f"<p>Host: {_escape(host)}. See more: rocketctl history; rocketctl show TASK/NUMBER</p>"
    return MailMessage(_subject(host, headline), _encodable("\n".join(text) + "\n"), _html_page(html))


# -- as mail requires it


def _subject(host: str, sentence: str) -> str:
    subject = _encodable(_one_line(f"{host}: {sentence}"))
    return subject if len(subject) <= _SUBJECT else subject[: _SUBJECT - 1] + "…"


def _html_page(body: str) -> str:
    return _encodable(f"<!DOCTYPE html><html><head><meta charset=utf-8></head><body>{body}</body></html>\n")


def _one_line(text: str) -> str:
    """Return a text as one line, with control characters made visible."""
    return visible(" ".join(text.split()))


def _encodable(text: str) -> str:
    """Replace what cannot be encoded: bytes that were not UTF-8 cannot be mailed as text."""
    return text.encode(errors="replace").decode()


def _escape(text: str) -> str:
    from html import escape  # noqa: PLC0415 - it has a table of 2,231 names, and a host without mail needs none

    return escape(text)
