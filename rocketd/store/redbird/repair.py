"""What Red Bird leaves of a record, or of a whole file, if the disk is full or the daemon dies while it writes.

A repository with half a record in it cannot be read any more: half a line of CSV goes on with the next record, and half
a file of JSON is none. What is half there has not arrived, and comes again. So the half goes.
"""

import csv
import io
import locale
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from shutil import copyfile
from typing import TYPE_CHECKING, Any

from rocketd.store.redbird.compat import BaseRepo
from rocketd.store.sqlite.schema import USAGE_COLUMNS

if TYPE_CHECKING:

    class CsvRepo(BaseRepo):
        """A repository in a file of CSV, as Red Bird has it."""

        filename: Path
        kwds_csv: Mapping[str, Any]

        def get_headers(self) -> list[str]: ...

        def get_writer(self, file: io.StringIO) -> csv.DictWriter[str]: ...

    class JsonRepo(BaseRepo):
        """A repository in a directory of JSON files, as Red Bird has it."""

        path: Path

        def read_file(self, key: str) -> object: ...


def csv_of(repo: BaseRepo) -> "CsvRepo | None":
    """The repository, if it is a file of CSV."""
    return repo if hasattr(repo, "filename") and hasattr(repo, "get_writer") else None  # type: ignore[return-value] # so it is


def json_of(repo: BaseRepo) -> "JsonRepo | None":
    """The repository, if it is a directory of JSON files."""
    return repo if hasattr(repo, "path") and hasattr(repo, "read_file") else None  # type: ignore[return-value] # so it is


def allow_long_fields() -> None:
    """Raise Python's limit for a field of CSV, which is 128 KiB, so that every record can be read."""
    csv.field_size_limit(sys.maxsize)


def header_error(repo: BaseRepo) -> str:
    """Say what is wrong with the header of a file of CSV, which Red Bird reads by its model; empty: nothing is."""
    file = csv_of(repo)
    if file is None or _sibling(file.filename, "whole").exists():
        return ""  # what is to be repaired first has no header of its own
    found = _header(file)
    if not found or found == file.get_headers():
        return ""
    return f"{file.filename} has other columns than {repo.model.__name__}: {', '.join(found)}"


def add_new_columns(repo: BaseRepo) -> None:
    """Add to a file of CSV the columns that the model of its records did not have before; its records stay as they are.

    Does nothing where that cannot be done: then its header is wrong.
    """
    file = csv_of(repo)
    if file is None or _sibling(file.filename, "whole").exists():
        return
    found, headers = _header(file), file.get_headers()
    if not found or (*headers[len(found) :],) != USAGE_COLUMNS or found != headers[: len(found)]:
        return
    text = io.StringIO(newline="")
    file.get_writer(text).writeheader()
    with suppress(OSError):
        records = file.filename.read_bytes().partition(b"\n")[2]
        with replacing_file(repo):
            file.filename.write_bytes(text.getvalue().encode() + records)


def _header(file: "CsvRepo") -> list[str]:
    """Read the names of its columns; empty: there are none yet."""
    if not file.filename.exists():
        return []
    with file.filename.open(newline="") as lines:
        return next(csv.reader(lines, **file.kwds_csv), [])


def repair(repo: BaseRepo, next_records: Iterable[Mapping[str, object]]) -> str:
    """Make the repository readable again; returns what was moved aside, for people, or an empty text.

    One of the records that are sent next, `next_records`, may be half there, and so may be one of an earlier life.
    """
    if file := csv_of(repo):
        _restore(file.filename)
        for values in next_records:
            _cut_partial_record(file, values)
        return move_half_line(file.filename)
    if directory := json_of(repo):
        _move_damaged(directory)
    return ""


def move_half_line(path: Path) -> str:
    """Move a last record that has no end to a file beside: Red Bird ends each with a line break, so it is not whole."""
    text = path.read_bytes().decode("latin-1") if path.exists() else ""
    begin = _last_record(text)
    if begin == 0 or _is_whole(text[begin:]):
        return ""
    aside = _sibling(path, "half")
    with aside.open("ab") as file:
        file.write(text[begin:].encode("latin-1") + b"\n")
    os.truncate(path, begin)
    return f"{path} ended in half a record, which is in {aside.name} now"


def _last_record(text: str) -> int:
    """Return where the last record of CSV begins; a quoted field may have line breaks in it."""
    read = begin = end = 0

    def lines() -> Iterator[str]:
        nonlocal read
        for line in io.StringIO(text, newline=""):
            read += len(line)
            yield line

    for _ in csv.reader(lines()):
        begin, end = end, read
    return begin


def _is_whole(record: str) -> bool:
    try:
        list(csv.reader([record], strict=True))
    except csv.Error:  # it ends inside of quotes
        return False
    return record.endswith("\n")


def _cut_partial_record(repo: "CsvRepo", values: Mapping[str, object]) -> None:
    """Cut the file where this record's line begins, if it ends in the middle of that."""
    line, path = _line(repo, values), repo.filename
    if not path.exists():
        return
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - len(line)))
        tail = file.read()
    begin = tail.find(b"\n") + 1
    while 0 < begin < len(tail):
        if line.startswith(tail[begin:]):
            os.truncate(path, size - len(tail) + begin)
            return
        begin = tail.find(b"\n", begin) + 1


def _line(repo: "CsvRepo", values: Mapping[str, object]) -> bytes:
    text = io.StringIO(newline="")
    repo.get_writer(text).writerow(repo.item_to_dict(repo.to_item(values), exclude_unset=False))
    return text.getvalue().encode(locale.getencoding(), errors="replace")


def _move_damaged(repo: "JsonRepo") -> None:
    """Rename the files that cannot be read: it is not for us to delete what may be somebody's."""
    for path in repo.path.glob("*.json"):
        try:
            repo.read_file(path.stem)
        except ValueError:
            path.replace(path.with_suffix(".half"))


@contextmanager
def replacing_file(repo: BaseRepo) -> Iterator[None]:
    """What happens inside writes the whole file of CSV anew; if that comes to no end, `mend` puts the old one back."""
    file = csv_of(repo)
    if file is None or not file.filename.exists():
        yield
        return
    part, backup = _sibling(file.filename, "part"), _sibling(file.filename, "whole")
    copyfile(file.filename, part)
    part.replace(backup)
    yield
    backup.unlink()


def _restore(path: Path) -> None:
    backup = _sibling(path, "whole")
    if backup.exists():
        copyfile(backup, path)
        backup.unlink()


def _sibling(path: Path, ending: str) -> Path:
    return path.with_name(f"{path.name}.{ending}")
