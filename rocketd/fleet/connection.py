"""A connection to the database of a fleet, which ends when it is told to, whatever the network does.

A silent network answers nothing: a cancellation goes over the same network, and `statement_timeout` is the server's.
So whoever has waited long enough shuts the socket from this side (`abort`), and the thread that waits for an answer
gets an error.
"""

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Final

from rocketd.core.errors import StoreError
from rocketd.core.url_password import without_passwords
from rocketd.fleet.driver import load_driver
from rocketd.fleet.schema import LEAST, STEPS
from rocketd.store.regular_file import read_regular

if TYPE_CHECKING:
    from psycopg import Connection, Notify
    from psycopg.rows import TupleRow

_CONNECT_TIMEOUT: Final = 5
"""Seconds for each address of the server."""
_VERSION: Final = "SELECT number, least FROM rocketd.schema_version"
_SESSION: Final = "SELECT pg_backend_pid()"
_IN_TRANSACTION: Final = """
    SET LOCAL idle_in_transaction_session_timeout = '5s';
    SET LOCAL search_path = pg_catalog
"""
"""A host that falls silent in a transaction must not keep its rows locked: the server would wait for it for hours.
And no function or operator is called that somebody has made in `public` for us to find."""
_NO_DRIVER: Final = "apt install rocketd-fleet, or pip install 'rocketd[fleet]'; see docs/how-to/several-hosts.md"
_PERMANENT: Final = ("28", "3D", "3F", "42")
"""Classes of errors that another try does not cure: login, no such database, schema or table, no permission."""
_DATA: Final = ("22", "23")
"""Classes of errors about values: out of range, or refused by a constraint."""


class FleetError(StoreError):
    """The database of the fleet cannot be used."""

    def __init__(self, message: str, *, hint: str = "", temporary: bool = False, about_data: bool = False) -> None:
        super().__init__(message, hint=hint, temporary=temporary)
        self.about_data = about_data
        """Whether it is about what was to be written, and not about the database."""


class FleetConnection:
    """Opens a connection when it is first used; `abort` may be called from any thread, all else from one."""

    def __init__(self, url: str, password_file: str = "", channel: str = "") -> None:
        self._url = url
        self._password_file = password_file
        self._channel = channel
        self.heard: Callable[[str], object] = str
        """Called with what is announced in the channel, while the connection is used, and in `hear`."""
        self.is_pooled = False
        """Whether a pooler stands between: it may give each transaction to another session, so that none listens."""
        self._connection: Connection[TupleRow] | None = None
        self._lock = Lock()
        self._socket: socket.socket | None = None
        self._aborted = False

    def opened(self) -> "Connection[TupleRow]":
        """Return the connection, opened if necessary, to tables that this program knows. Raises FleetError."""
        if self._connection is None:
            self._aborted = False
            self._connection = self.open_unchecked()
            self._keep_socket(self._connection.fileno())
            with _translating():
                _check_version(self._connection)
                self._listen(self._connection)
        return self._connection

    def _listen(self, connection: "Connection[TupleRow]") -> None:
        """Have announcements sent here; not through a pooler, where another session would listen for ever."""
        if not self._channel:
            return
        row = connection.execute(_SESSION).fetchone()
        self.is_pooled = (
            row is None or row[0] != connection.info.backend_pid
        )  # a pooler makes up the ids that it tells its clients
        if not self.is_pooled:
            connection.add_notify_handler(self._on_notify)
            connection.execute(f'LISTEN "{self._channel}"'.encode())
            self.heard("")  # something may have been announced before

    @property
    def descriptor(self) -> int:
        """What becomes readable when something is announced or the connection is broken; -1: it is closed."""
        return -1 if self._connection is None or self._connection.closed else self._connection.fileno()

    def hear(self) -> None:
        """Take what has been announced, and wait for nothing. Raises FleetError if the connection is broken."""
        if self._connection is None:
            return
        with _translating():
            session = self._connection.pgconn
            session.consume_input()
            while (found := session.notifies()) is not None:
                self._take(found.be_pid, found.extra.decode(errors="replace"))

    def _on_notify(self, found: "Notify") -> None:
        self._take(found.pid, found.payload)

    def _take(self, sender: int, text: str) -> None:
        if self._connection is not None and sender != self._connection.info.backend_pid:
            self.heard(text)

    def open_unchecked(self) -> "Connection[TupleRow]":
        """Open a connection to a database that may have no tables yet. Raises FleetError."""
        try:
            load_driver()
            import psycopg  # noqa: PLC0415 - only hosts with a fleet have it
            from psycopg.conninfo import conninfo_to_dict  # noqa: PLC0415 - as above
        except ImportError as error:
            raise FleetError(f"[fleet] needs psycopg 3, which cannot be imported: {error}", hint=_NO_DRIVER) from error
        with _translating():
            given = conninfo_to_dict(self._url)
            defaults = {"connect_timeout": _CONNECT_TIMEOUT, "application_name": "rocketd"}
            defaults["target_session_attrs"] = "read-write"  # of several servers, the one that takes records
            if self._password_file:
                given["password"] = _first_line(self._password_file)
            # No prepared statements: a pooler may give each transaction to another session.
            return psycopg.connect(**{**defaults, **given}, autocommit=True, prepare_threshold=None)  # type: ignore[arg-type]  # its keywords are libpq's

    @contextmanager
    def transaction(self) -> Iterator["Connection[TupleRow]"]:
        """Do all of it or nothing. Raises FleetError; then the next call opens a new connection."""
        try:
            with _translating(), self.opened().transaction():
                connection = self.opened()
                connection.execute(_IN_TRANSACTION)
                yield connection
        except BaseException:
            self.close()
            raise

    @contextmanager
    def transaction_on_any_tables(self) -> Iterator["Connection[TupleRow]"]:
        """Do all of it or nothing, on tables of any version or none."""
        with _translating(), self.open_unchecked() as connection, connection.transaction():
            connection.execute(_IN_TRANSACTION)
            yield connection

    def abort(self) -> None:
        """Shut the socket down: nobody waits for an answer any longer. From any thread."""
        with self._lock:
            self._aborted = True
            if self._socket is not None:
                with suppress(OSError):
                    self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close it; using it again opens a new one."""
        with self._lock:
            if self._socket is not None:
                self._socket.close()
                self._socket = None
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(Exception):  # it may be broken in any way
                connection.close()

    def _keep_socket(self, descriptor: int) -> None:
        with self._lock:
            self._socket = socket.socket(fileno=os.dup(descriptor))
            if self._aborted:  # while it connected
                self._socket.shutdown(socket.SHUT_RDWR)


def _first_line(path: str) -> str:
    try:
        lines = read_regular(Path(path)).splitlines()
    except (OSError, ValueError) as error:
        raise FleetError(f"the password of the fleet cannot be read: {error}", temporary=True) from error
    if not lines:
        raise FleetError(f"{path} is empty", temporary=True)
    return lines[0]


def _check_version(connection: "Connection[TupleRow]") -> None:
    """Raise FleetError unless this program knows these tables: those of its own version, or later ones made for it."""
    row = connection.execute(_VERSION).fetchone()
    number, least = (0, 0) if row is None else row
    if number < len(STEPS):
        message = f"the tables of the fleet have version {number}, and this rocketd needs {len(STEPS)}"
        raise FleetError(message, hint="run rocketctl fleet upgrade as the owner of the tables")
    if least > len(STEPS):
        message = f"the tables of the fleet are for a newer rocketd: version {least}, and this one knows {LEAST[-1]}"
        raise FleetError(message, hint="install the newer rocketd")


@contextmanager
def _translating() -> Iterator[None]:
    """Turn psycopg's errors into ours; all but the clearly permanent ones may pass."""
    try:
        yield
    except (FleetError, AssertionError):
        raise
    except Exception as error:
        import psycopg  # noqa: PLC0415 - it is there, or nothing could have failed

        if not isinstance(error, psycopg.Error | OSError | UnicodeError):
            raise
        raise _fleet_error(error) from error


def _fleet_error(error: BaseException) -> FleetError:
    state = getattr(error, "sqlstate", None) or ""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    told = without_passwords(lines[0] if lines else type(error).__name__)
    if state in ("42P01", "3F000"):
        hint = "make them: rocketctl fleet sql | psql; see docs/how-to/several-hosts.md"
        return FleetError("the database has no tables of rocketd", hint=hint)
    if state == "42501":
        hint = "the role must have the name of the host, or be in rocketd_any_host: see rocketctl fleet sql"
        return FleetError(f"the fleet's database does not permit this: {told}", hint=hint)
    return FleetError(
        f"the fleet's database cannot be used: {told}",
        temporary=not state.startswith(_PERMANENT),
        about_data=state.startswith(_DATA),
    )
