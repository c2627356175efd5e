"""The settings of `[mail]`: how mail is sent, to whom and about what."""

from enum import StrEnum
from typing import Final

from rocketd.config import value_types
from rocketd.config.mail_command import mail_command
from rocketd.config.setting import Setting, Values, table
from rocketd.config.value_types import ADDRESS, ADDRESSES, DURATION, NON_EMPTY, PATH, ValueType
from rocketd.core.dataclass import dataclass
from rocketd.core.instant import MINUTE, Duration
from rocketd.core.model.run import Action
from rocketd.core.notifications.occasions import OUTPUT, Occasion


class Tls(StrEnum):
    """How the connection to the mail server is encrypted."""

    NONE = "none"
    STARTTLS = "starttls"
    TLS = "tls"


_ACTIONS: Final = tuple(action for action in Action if action not in {Action.RUN, Action.WITHDRAWN})
_MAIL_ON: Final = (*_ACTIONS, OUTPUT, Occasion.RECOVERED, Occasion.OVERDUE, Occasion.SLOW)
MAIL_COMMAND: Final = Setting[tuple[str, ...]](
    "command",
    ValueType("list of strings", mail_command),
    (),
    "none",
    'Instead of a server: a program that takes the mail on standard input, as `["/usr/sbin/sendmail", "-t", "-i"]`. '
    "It has the rights of the daemon.",
)
MAIL_HOST: Final = Setting("host", NON_EMPTY, "localhost", "`localhost`", "The mail server.")
MAIL_PORT: Final = Setting(
    "port",
    ValueType("integer", value_types.integer(1, 65535)),
    25,
    "`25`",
    "The port of the mail server; usually 587 for `starttls` and 465 for `tls`.",
)
MAIL_TLS: Final = Setting(
    "tls",
    ValueType("`none`, `starttls` or `tls`", value_types.choice(Tls)),
    Tls.NONE,
    "`none`",
    "`starttls`: encrypt a plain connection before anything is sent; `tls`: encrypt the connection from the start.",
)
MAIL_USERNAME: Final = Setting("username", NON_EMPTY, "", "none", "The user name for the mail server.")
MAIL_PASSWORD_FILE: Final = Setting(
    "password_file",
    PATH,
    "",
    "none",
    "A file whose first line is the password, read for each mail. `rocketd.toml` cannot contain the password itself.",
)
MAIL_SENDER: Final = Setting("sender", ADDRESS, "", "`rocketd@` and the host's name", "The sender's address.")
MAIL_RECEIVERS: Final = Setting[tuple[str, ...]](
    "receivers", ADDRESSES, (), "none", "The receivers' addresses. Without any, no mail is sent."
)
MAIL_ON: Final = Setting[tuple[str, ...]](
    "on",
    ValueType("list of actions", value_types.each_of(*_MAIL_ON)),
    ("fail", "crash", "missed"),
    '`["fail", "crash", "missed"]`',
    f"What causes a mail: any of {', '.join(f'`{word}`' for word in _MAIL_ON)}. `output`: a run that printed anything; "
    "`recovered`: the first success after failures.",
)
MAIL_PAUSE: Final = Setting(
    "pause",
    DURATION,
    5 * MINUTE,
    '`"5 min"`',
    "The shortest time between two mails to the same receivers. Events in between become one digest.",
)

MAIL: Final = table(
    *(MAIL_COMMAND, MAIL_HOST, MAIL_PORT, MAIL_TLS, MAIL_USERNAME, MAIL_PASSWORD_FILE),
    *(MAIL_SENDER, MAIL_RECEIVERS, MAIL_ON, MAIL_PAUSE),
)
MAIL_OF_TASK: Final = table(MAIL_RECEIVERS, MAIL_ON)


@dataclass(frozen=True, slots=True)
class MailSettings:
    """How mail is sent, to whom and about what."""

    host: str = MAIL_HOST.default
    port: int = MAIL_PORT.default
    tls: Tls = MAIL_TLS.default
    username: str = MAIL_USERNAME.default
    password_file: str = MAIL_PASSWORD_FILE.default
    sender: str = MAIL_SENDER.default
    """Empty: rocketd at this host."""
    receivers: tuple[str, ...] = MAIL_RECEIVERS.default
    on: tuple[str, ...] = MAIL_ON.default
    """Actions."""
    pause: Duration = MAIL_PAUSE.default
    command: tuple[str, ...] = MAIL_COMMAND.default
    """The program that sends mail; empty: a server does."""


def mail_settings_of(mail: Values) -> MailSettings:
    """Put together what was written."""
    return MailSettings(
        *(mail[MAIL_HOST], mail[MAIL_PORT], mail[MAIL_TLS], mail[MAIL_USERNAME], mail[MAIL_PASSWORD_FILE]),
        *(mail[MAIL_SENDER], mail[MAIL_RECEIVERS], mail[MAIL_ON], mail[MAIL_PAUSE], mail[MAIL_COMMAND]),
    )
