"""What a repository tells of the past, for a look at it: nothing is written there, and nothing goes on beside it."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from rocketd.store.redbird.compat import BaseRepo
from rocketd.store.redbird.mapping import fill_missing_fields, numbered_anew
from rocketd.store.redbird.sink import RepositorySink, translating_repo_errors
from rocketd.store.replication.importing import Followed, import_missing
from rocketd.store.sqlite.rows import Row
from rocketd.store.sqlite.store import SqliteStore


def read_rows(repo: BaseRepo) -> list[Row]:
    """Read all records, complete and in log order. Raises StoreError."""
    with translating_repo_errors():
        sink = RepositorySink(repo)
        rows = sink.read({})
        return fill_missing_fields(*numbered_anew(rows, sink.fields), {})


class RepositorySnapshot(SqliteStore):
    """A store in an empty directory that has these records."""

    def __init__(
        self, directory: Path, rows: Sequence[Row], fingerprints: Mapping[str, str], followed: Followed
    ) -> None:
        """The records are complete and in log order; of the rest, see `import_missing`."""
        super().__init__(directory, durability="normal")
        with self._database.writing() as database:
            import_missing(database, rows, fingerprints, followed)
