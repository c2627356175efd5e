"""A stand-in for journald: a datagram socket at its place, read only when a test says so.

libsystemd has the path built in, so this works in a mount namespace only: see `INSIDE`.
"""

import os
import socket
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Self

PLACE = Path("/run/systemd/journal/socket")

INSIDE = "ROCKETD_TEST_JOURNALD"
"""Set in the environment where /run/systemd/journal is the tests' own."""

Fields = dict[str, bytes]


class Journald:
    """Binds at journald's place; `close` leaves the file there, as a killed process would."""

    def __init__(self) -> None:
        if INSIDE not in os.environ:
            msg = "this would take the place of the host's own journald"
            raise RuntimeError(msg)
        PLACE.unlink(missing_ok=True)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(PLACE))
        self.socket.settimeout(0)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.socket.close()

    def close(self) -> None:
        self.socket.close()

    def fill(self) -> None:
        """Let other programs fill the queue; each may have a buffer's worth in it."""
        while self._noise_of_one():
            pass

    def _noise_of_one(self) -> int:
        """Let one program send as much as it can; how many entries that is."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
            other.settimeout(0)
            other.connect(str(PLACE))
            for sent in count():
                try:
                    other.send(b"MESSAGE=noise\n")
                except BlockingIOError:
                    return sent
        return 0

    def read(self) -> list[Fields]:
        """Take everything that is in the queue now."""
        entries = []
        while True:
            try:
                entries.append(parse(self.socket.recv(1 << 20)))
            except BlockingIOError:
                return entries

    def messages(self) -> list[str]:
        """Take everything, and give only what was said; the noise of others left out."""
        said = [entry["MESSAGE"].decode() for entry in self.read()]
        return [message for message in said if message != "noise"]


def parse(datagram: bytes) -> Fields:
    """Read an entry of journald's native protocol (https://systemd.io/JOURNAL_NATIVE_PROTOCOL/)."""
    fields: Fields = {}
    while datagram:
        line, _, datagram = datagram.partition(b"\n")
        name, equals, value = line.partition(b"=")
        if not equals:
            size = int.from_bytes(datagram[:8], "little")
            value, datagram = datagram[8 : 8 + size], datagram[8 + size + 1 :]
        if name.decode() in fields:
            msg = f"{name.decode()} was sent twice"
            raise ValueError(msg)
        fields[name.decode()] = value
    return fields
