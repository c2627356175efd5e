"""The table `[fleet]`: what this host is called among several, and the database that they share."""

import re
from typing import Final

from rocketd.config import value_types
from rocketd.config.problems import BadValue
from rocketd.config.setting import Setting, Values, table
from rocketd.config.value_types import BOOLEAN, PATH, ValueType
from rocketd.core.dataclass import dataclass
from rocketd.core.instant import MINUTE, SECOND, Duration
from rocketd.core.model.run_on import RunOn
from rocketd.core.url_password import has_password

_SCHEME: Final = re.compile(r"postgres(?:ql)?://")
_FLEET_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_HOST_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_TAG: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_PATTERN: Final = re.compile(r"!?(?:@[A-Za-z0-9][A-Za-z0-9._-]{0,62}|[A-Za-z0-9*?][A-Za-z0-9._*?-]{0,62})")


def fleet_url(value: object) -> str:
    """Take the URL of a PostgreSQL database, without a password."""
    text = value_types.non_empty(value)
    if not _SCHEME.match(text):
        hint = 'for example "postgresql://db.example.com/rocketd"'
        raise BadValue("this is not the URL of a PostgreSQL database", hint)
    if has_password(text):
        raise BadValue("this must not contain a password: others can read this file", "write password_file = …")
    return text


def _name(known: re.Pattern[str], what: str, hint: str) -> ValueType[str]:
    def read(value: object) -> str:
        text = value_types.non_empty(value)
        if not known.fullmatch(text):
            raise BadValue(f"'{text}' cannot be {what}", hint)
        return text

    return ValueType("string", read)


def _each_matching(known: re.Pattern[str], what: str, hint: str) -> ValueType[tuple[str, ...]]:
    read_one = _name(known, what, hint).read

    def read(value: object) -> tuple[str, ...]:
        if type(value) is not list:
            raise value_types.wrong_type("a list of strings", value)
        return value_types.each(enumerate(value), read_one)

    return ValueType("list of strings", read)


_LETTERS: Final = "letters, digits, '.', '_' and '-', at most 63 of them, the first a letter or a digit"
HOST_PATTERNS: Final = _each_matching(_PATTERN, "a pattern of hosts", 'for example "web*", "@eu" or "!web9"')

RUN_ON: Final = Setting(
    "run_on",
    ValueType("`each` or `one`", value_types.choice(RunOn)),
    RunOn.EACH,
    "`each`",
    "Which of the hosts of a fleet that have the task run it. `each`: every one of them, for itself. `one`: the host "
    "that owns it; if that host is gone, another one takes it over.",
)
URL: Final = Setting(
    "url",
    ValueType("string", fleet_url),
    "",
    "none",
    "The PostgreSQL database that the hosts share, as libpq takes it: "
    "`postgresql://USER@HOST/DATABASE?sslmode=verify-full`. It must not contain a password.",
)
PASSWORD_FILE: Final = Setting(
    "password_file",
    PATH,
    "",
    "none",
    "A file whose first line is the password, read for each connection; it may be a credential of systemd. Without it, "
    "libpq looks in `~/.pgpass` of the daemon's user.",
    only="url",
)
NAME: Final = Setting(
    "name",
    _name(_FLEET_NAME, "the name of a fleet", "small letters, digits, '_' and '-', at most 40 of them"),
    "default",
    "`default`",
    "The name of the fleet: several can share a database.",
)
HOST: Final = Setting(
    "host", _name(_HOST_NAME, "the name of a host", _LETTERS), "", "the machine's name", "The name of this host."
)
TAGS: Final = Setting[tuple[str, ...]](
    "tags",
    _each_matching(_TAG, "a tag", _LETTERS),
    (),
    "none",
    "What this host is, for `hosts` of tasks: `@web` selects the hosts with the tag `web`.",
)
LEASE: Final = Setting(
    "lease",
    ValueType("duration", value_types.duration(2 * SECOND)),
    10 * SECOND,
    '`"10s"`',
    "For how long a sign of life of this host counts, at least 2 s and at most a day. It is renewed three times as "
    "often, and the database may take a third of this time to answer.",
    only="url",
)
LOST_AFTER: Final = Setting(
    "lost_after",
    ValueType("duration", value_types.duration(MINUTE)),
    5 * MINUTE,
    '`"5 min"`',
    "After this time without a sign of life, at least a minute and longer than `lease`, the host counts as lost.",
    only="url",
)
OUTPUT: Final = Setting(
    "output",
    BOOLEAN,
    default=False,
    shown="`false`",
    meaning="Whether the end of what runs print goes to the database as well, where every host can read it.",
    only="url",
)
FLEET: Final = table(URL, PASSWORD_FILE, NAME, HOST, TAGS, LEASE, LOST_AFTER, OUTPUT)


@dataclass(frozen=True, slots=True)
class FleetSettings:
    """What this host is called among several, and which database they share."""

    url: str = URL.default
    """Empty: none."""
    password_file: str = PASSWORD_FILE.default
    name: str = NAME.default
    host: str = HOST.default
    """Empty: the machine's name."""
    tags: tuple[str, ...] = TAGS.default
    lease: Duration = LEASE.default
    lost_after: Duration = LOST_AFTER.default
    output: bool = OUTPUT.default


NO_FLEET: Final = FleetSettings()


def fleet_settings_of(fleet: Values) -> FleetSettings:
    """Put together what was written."""
    return FleetSettings(
        url=fleet[URL],
        password_file=fleet[PASSWORD_FILE],
        name=fleet[NAME],
        host=fleet[HOST],
        tags=fleet[TAGS],
        lease=fleet[LEASE],
        lost_after=fleet[LOST_AFTER],
        output=fleet[OUTPUT],
    )
