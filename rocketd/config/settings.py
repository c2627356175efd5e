"""Every key of a task file in one table, from which parsing, `check`, suggestions and the reference come."""

from collections.abc import Mapping
from typing import Final

from rocketd.config.calendar_settings import CALENDAR
from rocketd.config.daemon_settings import ROCKETD, STORE
from rocketd.config.fleet_settings import FLEET
from rocketd.config.hook_settings import HOOKS
from rocketd.config.http_settings import HEARTBEAT, HTTP, METRICS, WEBHOOK
from rocketd.config.mail_settings import MAIL, MAIL_OF_TASK
from rocketd.config.setting import Section, Setting
from rocketd.config.task_settings import TASK

SETTINGS: Final[Mapping[Section, Mapping[str, Setting[object]]]] = {
    Section.TASK: TASK,
    Section.DEFAULTS: {key: setting for key, setting in TASK.items() if setting.shared},
    Section.ROCKETD: ROCKETD,
    Section.STORE: STORE,
    Section.FLEET: FLEET,
    Section.MAIL: MAIL,
    Section.TASK_MAIL: MAIL_OF_TASK,
    Section.HOOKS: HOOKS,
    Section.WEBHOOK: WEBHOOK,
    Section.HTTP: HTTP,
    Section.HEARTBEAT: HEARTBEAT,
    Section.METRICS: METRICS,
    Section.CALENDAR: CALENDAR,
}
"""Every setting, by its table. (`[logging]` is not ours: its schema is that of `logging.config.dictConfig`.)"""
