"""The keys of the daemon itself, which `rocketd.toml` alone may hold, and what they come to."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from rocketd.config import values
from rocketd.config.setting import Section, Setting, Values, table
from rocketd.config.values import BOOLEAN, FILLED, SPAN, STRINGS, Kind
from rocketd.core.instant import DAY, SECOND, Duration
from rocketd.core.run import Action


class Durability(StrEnum):
    """What run records survive."""

    FULL = "full"
    NORMAL = "normal"


DAEMON_TIMEZONE: Final = Setting(
    "timezone", FILLED, "local", "`local`", "The time zone of tasks that name none; `local` is the host's."
)
MAX_RUNNING: Final = Setting(
    "max_running", Kind("integer", values.integer(1, 100_000)), 32, "`32`", "How many runs may go on at the same time."
)
SILENCE_COND_CHECK: Final = Setting(
    "silence_cond_check",
    BOOLEAN,
    default=True,
    shown="`true`",
    meaning="Whether a condition that raises is only told to the journal; otherwise it stops the daemon.",
)
SILENCE_TASK_PRERUN: Final = Setting(
    "silence_task_prerun",
    BOOLEAN,
    default=True,
    shown="`true`",
    meaning="Whether a task that cannot be set up is only told to the journal; otherwise it stops the daemon.",
)
SILENCE_TASK_LOGGING: Final = Setting(
    "silence_task_logging",
    BOOLEAN,
    default=True,
    shown="`true`",
    meaning="Whether a record that cannot be written is only told to the journal; otherwise it stops the daemon.",
)
SHUTDOWN_GRACE: Final = Setting(
    "shutdown_grace",
    SPAN,
    90 * SECOND,
    "`90s`",
    "How long runs may go on when the daemon is told to stop; then they are stopped.",
)
URL: Final = Setting(
    "url",
    Kind("string", values.url),
    "",
    "`rocketd.db` in the state directory",
    "Where run records are kept: any SQLAlchemy URL.",
)
REPO: Final = Setting(
    "repo",
    Kind("string", values.function),
    "",
    "none",
    "In place of `url`: `package.module:factory`, a function that returns any Red Bird repository.",
)
KEEP: Final = Setting[Duration | None](
    "keep",
    Kind("duration, or `infinity`", values.endless),
    180 * DAY,
    '`"180 days"`',
    "How long run records are kept; those that conditions can still ask about stay longer.",
)
DURABILITY: Final = Setting(
    "durability",
    Kind("`full` or `normal`", values.choice(Durability)),
    Durability.FULL,
    "`full`",
    "`full`: records survive a power cut; `normal`: they survive a crash of the daemon.",
)

_ACTIONS: Final = tuple(action for action in Action if action is not Action.RUN)
MAIL_HOST: Final = Setting("host", FILLED, "localhost", "`localhost`", "The mail server.", supported=False)
MAIL_PORT: Final = Setting(
    "port", Kind("integer", values.integer(1, 65535)), 25, "`25`", "The port of the mail server.", supported=False
)
MAIL_SENDER: Final = Setting("sender", FILLED, "", "none", "The address it comes from.", supported=False)
MAIL_RECEIVERS: Final = Setting[tuple[str, ...]](
    "receivers", STRINGS, (), "none", "The addresses it goes to.", supported=False
)
MAIL_ON: Final = Setting(
    "on",
    Kind("list of actions", values.each_of(*_ACTIONS)),
    ("fail", "crash", "missed"),
    '`["fail", "crash", "missed"]`',
    "What a mail is sent about.",
    supported=False,
)

ROCKETD: Final = table(
    *(DAEMON_TIMEZONE, MAX_RUNNING, SILENCE_COND_CHECK, SILENCE_TASK_PRERUN, SILENCE_TASK_LOGGING, SHUTDOWN_GRACE)
)
STORE: Final = table(URL, REPO, KEEP, DURABILITY)
MAIL: Final = table(MAIL_HOST, MAIL_PORT, MAIL_SENDER, MAIL_RECEIVERS, MAIL_ON)


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """Where run records are kept, how long and how safely."""

    url: str = URL.default
    """Empty: the database in the state directory, unless there is a `repo`."""
    repo: str = REPO.default
    keep: Duration | None = KEEP.default
    """None: for ever."""
    durability: Durability = DURABILITY.default


@dataclass(frozen=True, slots=True)
class Settings:
    """The daemon's own settings. Without arguments: those of the packaged file."""

    timezone: str = DAEMON_TIMEZONE.default
    """As written; every task has its zone already."""
    max_running: int = MAX_RUNNING.default
    silence_cond_check: bool = SILENCE_COND_CHECK.default
    silence_task_prerun: bool = SILENCE_TASK_PRERUN.default
    silence_task_logging: bool = SILENCE_TASK_LOGGING.default
    shutdown_grace: Duration = SHUTDOWN_GRACE.default
    store: StoreSettings = StoreSettings()


def settings_of(sections: Mapping[Section, Values]) -> Settings:
    """Put together what was written."""
    nothing = Values({})
    rocketd, store = sections.get(Section.ROCKETD, nothing), sections.get(Section.STORE, nothing)
    return Settings(
        timezone=rocketd[DAEMON_TIMEZONE],
        max_running=rocketd[MAX_RUNNING],
        silence_cond_check=rocketd[SILENCE_COND_CHECK],
        silence_task_prerun=rocketd[SILENCE_TASK_PRERUN],
        silence_task_logging=rocketd[SILENCE_TASK_LOGGING],
        shutdown_grace=rocketd[SHUTDOWN_GRACE],
        store=StoreSettings(store[URL], store[REPO], store[KEEP], store[DURABILITY]),
    )
