"""What is wrong between the settings of rocketd.toml, or with them in the sandbox of the daemon's own service."""

from collections.abc import Iterator

from rocketd.config.daemon_settings import REPO, Settings
from rocketd.config.executor_notes import sandbox_warnings_of_settings
from rocketd.config.fleet_settings import LEASE, LOST_AFTER
from rocketd.config.problems import Mistake
from rocketd.config.setting import Section
from rocketd.core.instant import DAY


def settings_mistakes(settings: Settings, *, confined: bool) -> Iterator[Mistake]:
    """Find them; `confined`: processes of the daemon are in a sandbox."""
    if settings.store.url and settings.store.repo:
        yield Mistake((Section.STORE, REPO.key), "url is set already", "keep one of the two", at_key=True)
    if settings.fleet.lost_after <= settings.fleet.lease:
        yield Mistake((Section.FLEET, LOST_AFTER.key), "this must be longer than lease", at_key=True)
    if settings.fleet.lease > DAY:
        yield Mistake((Section.FLEET, LEASE.key), "this must be a day at most", at_key=True)
    if confined:
        yield from sandbox_warnings_of_settings(settings.executor, settings.hooks, settings.mail)
