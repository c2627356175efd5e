r"""A disk that loses what was not synced when the power is cut: rebuilt from the system calls of a program.

strace(1) notes every write, sync and change of a directory. Up to any of them the files are built again as a power cut
would leave them: what was synced is there; of what was written since, any part may be, in any order, torn at sectors;
a name that was made or removed may or may not be so, until its directory was synced (fsync(2), POSIX's weakest disk).
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Final, NamedTuple

SECTOR: Final = 512

CALLS: Final = "openat,pwrite64,write,fdatasync,fsync,ftruncate,unlink,rename,clone3"

_LINE: Final = re.compile(r"(?P<pid>\d+) +(?P<rest>.*)")
_RESUMED: Final = re.compile(r"<\.\.\. \w+ resumed>(?P<rest>.*)")
_CALL: Final = re.compile(r"(?P<name>\w+)\((?P<arguments>.*)")
_DONE: Final = re.compile(r"\) += (?P<result>-?\d+)")
_UNFINISHED: Final = " <unfinished ...>"


class Call(NamedTuple):
    """A system call, when it began or when it was done."""

    name: str
    arguments: str
    done: bool
    failed: bool = False

    @property
    def file(self) -> str:
        """The file that its first descriptor stands for, as `strace -y` tells it."""
        found = re.match(r"\d+<(.*?)(?:\(deleted\))?>[,)]?", self.arguments)
        return text(found[1]) if found else ""

    @property
    def strings(self) -> list[bytes]:
        """The strings among its arguments."""
        return [data(one) for one in re.findall(r'"((?:\\x[0-9a-f]{2})*)"', self.arguments)]

    @property
    def numbers(self) -> list[int]:
        """Its last arguments, as far as they are numbers; the last ends the line where another thread came between."""
        return [int(one) for one in re.findall(r"(?<=, )(\d+)(?=[,)]|$)", self.arguments.rpartition('"')[2])]


def data(hexadecimal: str) -> bytes:
    r"""Read what strace -xx writes as \x61\x62."""
    return bytes.fromhex(hexadecimal.replace("\\x", ""))


def text(path: str) -> str:
    r"""Read a path, which strace -xx writes as \x61\x62 too."""
    return data(path).decode() if path.startswith("\\x") else path


def tracing(output: Path) -> tuple[str, ...]:
    """The command that notes all of it, in front of the program's own."""
    return (
        "strace",
        "-D",
        "-f",
        "-b",
        "execve",
        "-y",
        "-xx",
        "-s",
        "10000000",
        "-e",
        f"trace={CALLS}",
        "-o",
        str(output),
    )


def calls(lines: Iterable[str]) -> Iterator[Call]:
    """Read what was noted, each call twice: as it begins and as it is done."""
    begun: dict[str, Call] = {}
    for line in lines:
        found = _LINE.match(line)
        if found is None:
            continue
        pid, rest = found["pid"], found["rest"]
        if resumed := _RESUMED.match(rest):
            if call := begun.pop(pid, None):
                yield call._replace(arguments=call.arguments + resumed["rest"], done=True, failed=_failed(rest))
            continue
        if (call := _begun(rest)) is None:
            continue
        yield call
        if rest.endswith(_UNFINISHED):
            begun[pid] = call
        else:
            yield call._replace(done=True, failed=_failed(rest))


def _begun(rest: str) -> Call | None:
    found = _CALL.match(rest)
    return Call(found["name"], found["arguments"].removesuffix(_UNFINISHED), done=False) if found else None


def _failed(rest: str) -> bool:
    found = _DONE.search(rest)
    return found is None or found["result"].startswith("-")


class Write(NamedTuple):
    """Bytes that may not be on the disk yet; none: the file is cut to `at`."""

    at: int
    data: bytes | None


@dataclass(eq=False)
class File:
    """A file: what is safe, and what came since."""

    safe: bytearray = field(default_factory=bytearray)
    since: list[Write] = field(default_factory=list)

    def sync(self) -> None:
        for write in self.since:
            _apply(self.safe, write)
        self.since.clear()

    def after_cut(self, chance: Random, kept: float) -> bytes:
        """What is there afterwards, each later write with that likelihood."""
        content = bytearray(self.safe)
        for write in self.since:
            if chance.random() < kept:
                _apply(content, _torn(write, chance) if chance.random() < 0.1 and kept < 1 else write)
        return bytes(content)


def _torn(write: Write, chance: Random) -> Write:
    if write.data is None:
        return write
    return write._replace(data=write.data[: SECTOR * chance.randint(0, len(write.data) // SECTOR)])


def _apply(content: bytearray, write: Write) -> None:
    at, written = write
    if written is None:
        del content[at:]
        content.extend(bytes(at - len(content)))
    else:
        content.extend(bytes(max(at - len(content), 0)))
        content[at : at + len(written)] = written


class Disk:
    """The files of one directory, as a program wrote them. Those of memory alone (`-shm`) are none."""

    def __init__(self, directory: Path) -> None:
        self._directory = str(directory)
        self._names: dict[str, File] = {}
        self._safe_names: dict[str, File] = {}

    def take(self, call: Call) -> bool:
        """Let a call have its effect, and say whether it had one: a write when it begins, a sync when it is done."""
        match call:
            case Call("pwrite64", done=False):
                return self._write(call)
            case Call("openat", done=True, failed=False):
                return self._open(call)
            case Call("fdatasync" | "fsync", done=True, failed=False):
                return self._sync(call.file)
            case Call("ftruncate", done=True, failed=False):
                return self._change(call.file, Write(call.numbers[0], None))
            case Call("unlink", done=True, failed=False):
                return self._unlink(call.strings[0].decode())
            case _:
                return False

    def after_cut(self, target: Path, chance: Random, kept: float) -> None:
        """Build the directory as a power cut leaves it now."""
        for name in {*self._names, *self._safe_names}:
            names = self._names if chance.random() < kept else self._safe_names
            if name in names:
                (target / name).write_bytes(names[name].after_cut(chance, kept))

    def _name(self, path: str) -> str:
        directory, _, name = path.rpartition("/")
        return name if directory == self._directory and not name.endswith("-shm") else ""

    def _write(self, call: Call) -> bool:
        return self._change(call.file, Write(call.numbers[-1], call.strings[0]))

    def _change(self, path: str, write: Write) -> bool:
        file = self._names.get(self._name(path))
        if file is not None:
            file.since.append(write)
        return file is not None

    def _open(self, call: Call) -> bool:
        name = self._name(call.strings[0].decode())
        if not name or name in self._names or "O_CREAT" not in call.arguments:
            return False
        self._names[name] = File()
        return True

    def _sync(self, path: str) -> bool:
        if path == self._directory:
            self._safe_names = dict(self._names)
            return True
        file = self._names.get(self._name(path))
        if file is not None:
            file.sync()
        return file is not None

    def _unlink(self, path: str) -> bool:
        return self._names.pop(self._name(path), None) is not None
