"""The table `mail` of a task: what of `[mail]` it overrides."""

from typing import Any

from rocketd.config.mail_settings import MAIL, MAIL_OF_TASK
from rocketd.config.problems import BadValue
from rocketd.config.value_types import each, wrong_type
from rocketd.core.model.task import Mail
from rocketd.core.suggestion import did_you_mean


def mail(value: object) -> Mail:
    """Read the receivers and the actions."""
    if type(value) is not dict:
        raise wrong_type("a table", value, "write [task.NAME.mail]")
    read: dict[str, Any] = dict(each(((key, (key, item)) for key, item in value.items()), _key))
    return Mail(**read)


def _key(named: tuple[str, object]) -> tuple[str, object]:
    key, value = named
    setting = MAIL_OF_TASK.get(key)
    if setting is None:
        hint = "it is a key of [mail]" if key in MAIL else did_you_mean(key, MAIL_OF_TASK)
        raise BadValue(f"the mail of a task has no key '{key}'", hint, at_key=True)
    return key, setting.kind.read(value)


def joined(below: Mail, above: Mail) -> Mail:
    """Override the defaults of its file with the task's own values."""
    receivers = below.receivers if above.receivers is None else above.receivers
    return Mail(receivers, below.on if above.on is None else above.on)
