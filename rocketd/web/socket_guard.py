"""Keeps the file of the viewers' socket open to those who may use it now, and to nobody else."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from rocketd.core.messages.message import Message, Priority
from rocketd.core.model.operators import NO_OPERATORS, Operators
from rocketd.daemon.ports import Journal
from rocketd.web.control_group import ControlGroup
from rocketd.web.socket_rights import grant
from rocketd.web.unix_socket import with_descriptor

_INCOMPLETE: Final = (
    "its file system has no access control lists, or there are too many operators: some of them cannot connect"
)


class SocketGuard:
    """Grants access to one socket. On the loop's thread."""

    def __init__(self, path: Path, journal: Journal, operators: Callable[[], Operators], viewers: ControlGroup) -> None:
        self._path = path
        self._journal = journal
        self._operators = operators
        self._viewers = viewers
        self._granted: tuple[int | None, Operators] = (None, NO_OPERATORS)

    def open_to(self, file: Path) -> None:
        """Open a file, which is not at its place yet, to those who may use it now; raises OSError."""
        self._granted = self._viewers.gid, self._operators()
        if not grant(file, *self._granted):
            self._journal.write(Message(f"{self._path}: {_INCOMPLETE}", Priority.WARNING))

    def check(self) -> None:
        """Look whether others may use it; called when tasks were loaded, and at each heartbeat."""
        self._viewers.look()
        if self._granted != (self._viewers.gid, self._operators()):
            self.update()

    def update(self, _: int | None = None) -> None:
        """Open it to those who may use it now."""
        try:
            with_descriptor(self._path, partial(SocketGuard.open_to, self))
        except OSError as error:
            message = f"{self._path} cannot be opened to its viewers and operators: {error.strerror}"
            self._journal.write(Message(message, Priority.WARNING))
