"""The settings of the daemon itself, allowed only in `rocketd.toml`."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from rocketd.config import value_types
from rocketd.config.calendar_settings import CalendarSettings, calendars_of
from rocketd.config.fleet_settings import NO_FLEET, FleetSettings, fleet_settings_of
from rocketd.config.hook_settings import NO_HOOKS, hooks_of_every_task
from rocketd.config.http_settings import TEXTFILE, heartbeat_of, http_settings_of, webhook_of
from rocketd.config.mail_settings import MailSettings, mail_settings_of
from rocketd.config.output_values import LIMIT
from rocketd.config.setting import Section, Setting, Values, table
from rocketd.config.value_types import (
    BOOLEAN,
    DURATION,
    DURATION_OR_INFINITY,
    NON_EMPTY,
    ValueType,
)
from rocketd.core.dataclass import dataclass, field
from rocketd.core.instant import DAY, MINUTE, SECOND, Duration
from rocketd.core.model.task import ExecutorKind, TaskHooks
from rocketd.core.notifications.http_settings import DIRECT, HeartbeatUrl, HttpSettings
from rocketd.core.notifications.webhook import Webhook


class Durability(StrEnum):
    """What run records survive."""

    FULL = "full"
    NORMAL = "normal"


DAEMON_TIMEZONE: Final = Setting(
    "timezone", NON_EMPTY, "local", "`local`", "The time zone of tasks that set none; `local` is the host's zone."
)
MAX_RUNNING: Final = Setting(
    "max_running",
    ValueType("integer", value_types.integer(1, 100_000)),
    32,
    "`32`",
    "How many runs may be active at the same time.",
)
SILENCE_COND_CHECK: Final = Setting(
    "silence_cond_check",
    BOOLEAN,
    default=True,
    shown="`true`",
    meaning="Only log an exception in a condition; `false`: it stops the daemon.",
)
SILENCE_TASK_PRERUN: Final = Setting(
    "silence_task_prerun",
    BOOLEAN,
    default=True,
    shown="`true`",
    meaning="Only log an error in setting up a run; `false`: it stops the daemon.",
)
SILENCE_TASK_LOGGING: Final = Setting(
    "silence_task_logging",
    BOOLEAN,
    default=True,
    shown="`true`",
    meaning="If records cannot be written for 10 s, keep them in the state directory, and keep running tasks; "
    "`false`: this stops the daemon.",
)
OUTPUT_LIMIT: Final = Setting(
    "output_limit",
    LIMIT,
    64 * 1024**2,
    '`"64 MiB"`',
    "How much output of a run the journal takes per minute, for tasks that do not set it. Of runs that are units "
    "it takes all.",
)
EXECUTOR: Final = Setting(
    "executor",
    value_types.EXECUTOR,
    ExecutorKind.AUTO,
    "`auto`",
    "What carries out the runs of tasks that do not say it themselves. `unit`: systemd does, as transient units, which "
    "outlive the daemon; tasks for which that is not possible are processes all the same. `process`: they are "
    "processes of the daemon. `auto`: `unit` if the daemon is a system service of a host that systemd has booted, runs "
    "as root, and there is a system bus; `process` elsewhere.",
)
SHUTDOWN_GRACE: Final = Setting(
    "shutdown_grace",
    DURATION,
    90 * SECOND,
    "`90s`",
    "How long active runs may continue when the daemon is stopped; then they are stopped, too.",
)
RESUME_SPREAD: Final = Setting(
    "resume_spread",
    DURATION,
    MINUTE,
    '`"1 min"`',
    "After a downtime, a suspend or a step of the clock, tasks with a `splay` that would have started meanwhile start "
    "spread over this time. `0s`: they start at once.",
)
URL: Final = Setting(
    "url",
    ValueType("string", value_types.url),
    "",
    "none",
    "Where run records go in addition to `rocketd.db` in the state directory: any SQLAlchemy URL.",
)
REPO: Final = Setting(
    "repo",
    ValueType("string", value_types.function),
    "",
    "none",
    "Instead of `url`: `package.module:factory`, a function that returns a Red Bird repository.",
)
KEEP: Final = Setting[Duration | None](
    "keep",
    DURATION_OR_INFINITY,
    180 * DAY,
    '`"180 days"`',
    "How long run records are kept. Records that conditions still need stay longer.",
)
DURABILITY: Final = Setting(
    "durability",
    ValueType("`full` or `normal`", value_types.choice(Durability)),
    Durability.FULL,
    "`full`",
    "`full`: records survive a power cut; `normal`: they survive a crash of the daemon.",
)


ROCKETD: Final = table(
    *(DAEMON_TIMEZONE, MAX_RUNNING, SILENCE_COND_CHECK, SILENCE_TASK_PRERUN, SILENCE_TASK_LOGGING),
    *(OUTPUT_LIMIT, EXECUTOR, SHUTDOWN_GRACE, RESUME_SPREAD),
)
STORE: Final = table(URL, REPO, KEEP, DURABILITY)


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
    output_limit: int = OUTPUT_LIMIT.default
    """Of tasks that name none, in bytes a minute."""
    executor: ExecutorKind = EXECUTOR.default
    shutdown_grace: Duration = SHUTDOWN_GRACE.default
    resume_spread: Duration = RESUME_SPREAD.default
    store: StoreSettings = StoreSettings()
    fleet: FleetSettings = NO_FLEET
    mail: MailSettings | None = None
    """None: no mail is sent."""
    hooks: TaskHooks = NO_HOOKS
    """Those of tasks that set none themselves."""
    webhooks: tuple[Webhook, ...] = ()
    http: HttpSettings = DIRECT
    heartbeat: HeartbeatUrl | None = None
    textfile: str = TEXTFILE.default
    """Where metrics are written; empty: nowhere."""
    calendars: Mapping[str, CalendarSettings] = field(default_factory=dict)
    """The calendars of working days, by name."""
    logging: Mapping[str, object] | None = None
    """What `logging.config.dictConfig` is given; None: the standard loggers get nothing."""


DEFAULTS: Final = Settings()


def settings_of(
    sections: Mapping[Section, Values],
    logging: Mapping[str, object] | None = None,
    webhooks: Mapping[str, Values] = MappingProxyType({}),
    calendars: Mapping[str, Values] | None = None,
) -> Settings:
    """Put together what was written."""
    nothing = Values({})
    rocketd, store = sections.get(Section.ROCKETD, nothing), sections.get(Section.STORE, nothing)
    return Settings(
        timezone=rocketd[DAEMON_TIMEZONE],
        max_running=rocketd[MAX_RUNNING],
        silence_cond_check=rocketd[SILENCE_COND_CHECK],
        silence_task_prerun=rocketd[SILENCE_TASK_PRERUN],
        silence_task_logging=rocketd[SILENCE_TASK_LOGGING],
        output_limit=rocketd[OUTPUT_LIMIT],
        executor=rocketd[EXECUTOR],
        shutdown_grace=rocketd[SHUTDOWN_GRACE],
        resume_spread=rocketd[RESUME_SPREAD],
        store=StoreSettings(store[URL], store[REPO], store[KEEP], store[DURABILITY]),
        fleet=fleet_settings_of(sections.get(Section.FLEET, nothing)),
        mail=mail_settings_of(sections[Section.MAIL]) if Section.MAIL in sections else None,
        hooks=hooks_of_every_task(sections.get(Section.HOOKS, nothing)),
        webhooks=tuple(webhook_of(name, values) for name, values in webhooks.items()),
        http=http_settings_of(sections.get(Section.HTTP, nothing)),
        heartbeat=heartbeat_of(sections.get(Section.HEARTBEAT, nothing)),
        textfile=sections.get(Section.METRICS, nothing)[TEXTFILE],
        calendars=calendars_of(calendars or {}),
        logging=logging,
    )
