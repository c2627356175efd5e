"""Brings the tables of a fleet up to date, as their owner."""

from typing import Final

from rocketd.fleet.connection import FleetConnection, FleetError
from rocketd.fleet.schema import LOCK, STEPS, statements_from

_IS_THERE: Final = "SELECT to_regclass('rocketd.schema_version') IS NOT NULL"
_VERSION: Final = "SELECT number FROM rocketd.schema_version"
_LEAST_SERVER: Final = 130_000
"""PostgreSQL 13, which has `pg_current_xact_id`."""


def upgrade(connection: FleetConnection) -> tuple[int, int]:
    """Apply the missing steps in one transaction; return the versions before and after. Raises FleetError."""
    with connection.transaction_on_any_tables() as database:
        if database.info.server_version < _LEAST_SERVER:
            server = database.info.server_version // 10_000
            raise FleetError(f"a fleet needs PostgreSQL 13 or newer, and this is {server}")
        database.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
        there = database.execute(_IS_THERE).fetchone()
        row = database.execute(_VERSION).fetchone() if there and there[0] else None
        version = 0 if row is None else int(row[0])
        if version > len(STEPS):
            message = f"the tables of the fleet have version {version}, and this one knows {len(STEPS)}"
            raise FleetError(message, hint="install the newer rocketd")
        if version < len(STEPS):
            for statement in statements_from(version):
                database.execute(statement.encode())
    return version, len(STEPS)
