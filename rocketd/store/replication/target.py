"""Which repository the settings name, how it is opened, and which one was used last.

Red Bird and SQLAlchemy are imported when a repository is opened: 0.4 s and 28 MB, which most daemons do without.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from rocketd.core.errors import StoreError
from rocketd.store.errors import translating_errors
from rocketd.store.regular_file import read_regular
from rocketd.store.sqlite.schema import FILE_NAME

if TYPE_CHECKING:
    from rocketd.store.redbird.compat import BaseRepo

TARGET_FILE: Final = "store.json"
_DRIVER: Final = "install packages where the Python of the daemon finds them: see docs/how-to/store-elsewhere.md"


class ReplicationTarget(NamedTuple):
    """Where records go besides the state directory; both empty: nowhere."""

    url: str = ""
    repo: str = ""

    def __str__(self) -> str:
        """Return its name for messages, without a password."""
        url = re.sub(r"(://[^:/@]*):[^@]*@", r"\1:***@", self.url)
        url = re.sub(r"([?&]\w*pass\w*=)[^&]*", r"\1***", url)
        return url or self.repo or "the state directory alone"

    def is_remote(self, directory: Path) -> bool:
        """Whether it names anything but the store of the state directory itself."""
        return self.repo != "" or self.url not in ("", f"sqlite:///{directory / FILE_NAME}")

    def open(self) -> BaseRepo:
        """Open it; raises a StoreError that is not temporary if retrying is useless, or what the factory raises."""
        return _open_url(self.url, str(self)) if self.url else _call_factory(self.repo)


def _open_url(url: str, shown: str) -> BaseRepo:
    from sqlalchemy.exc import ArgumentError  # noqa: PLC0415 - see above

    from rocketd.store.redbird.run_repo import RunRepo  # noqa: PLC0415 - see above

    try:
        return RunRepo(url)
    except ImportError as error:
        raise StoreError(f"the driver for {shown} cannot be imported: {error}", hint=_DRIVER) from error
    except ArgumentError as error:
        raise StoreError(f"SQLAlchemy does not know the database {shown}: {error}", hint=_DRIVER) from error


def _call_factory(path: str) -> BaseRepo:
    from rocketd.store.redbird.compat import BaseRepo  # noqa: PLC0415 - see above

    module, _, name = path.partition(":")
    try:
        found: object = import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError) as error:
        raise StoreError(f"the repository {path} cannot be imported: {error}", hint=_DRIVER) from error
    factory: Callable[[], object] = found  # type: ignore[assignment]  # calling it is how one finds out
    repo = factory()
    if not isinstance(repo, BaseRepo):
        raise StoreError(f"{path} did not return a Red Bird repository, but {type(repo).__name__}")
    return repo


def load_target(directory: Path) -> ReplicationTarget | None:
    """Return the last target of this state directory; None: not known. Raises StoreError."""
    path = directory / TARGET_FILE
    with translating_errors(path):
        try:
            saved = json.loads(read_regular(path))
            if not isinstance(saved["url"], str) or not isinstance(saved["repo"], str):
                raise TypeError("url and repo must be strings")  # noqa: TRY301 - reported like the others
            return ReplicationTarget(saved["url"], saved["repo"])
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            hint = "delete it once [store] in rocketd.toml is correct"
            raise StoreError(f"{path} is damaged: {error}", hint=hint) from error


def save_target(directory: Path, target: ReplicationTarget) -> None:
    """Save the current target; only root can read the file, as a URL may contain a password. Raises StoreError."""
    path = directory / TARGET_FILE
    part = path.with_suffix(".part")
    with translating_errors(path):
        part.unlink(missing_ok=True)
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with open(descriptor, "w", encoding="utf-8") as file:  # noqa: PTH123 - it is open already
            json.dump(target._asdict(), file)
            file.flush()
            os.fsync(descriptor)
        part.replace(path)
