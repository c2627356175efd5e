"""Hostile input: what people write, spoiled by chance. The same seed spoils the same way."""

import socket
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Final

_NASTY: Final = (
    "\0",
    "\n",
    "\r",
    "\t",
    "'",
    '"',
    "\\",
    "(",
    ")",
    "&",
    "|",
    "~",
    "\u202e",
    "é",
    "\ud800",
    "\U0001d518",
    "9" * 400,
    "-1",
    "%",
)


class Spoiler:
    """Spoils texts and bytes."""

    def __init__(self, seed: int, words: Sequence[str], whole: Sequence[str]) -> None:
        """`words`: what is mixed in; `whole`: what is right as it stands."""
        self.chance = Random(seed)  # noqa: S311 - to be replayed
        self._words = (*words, *_NASTY)
        self._whole = whole

    def text(self) -> str:
        """One text: a right one changed in a few places, or words thrown together."""
        chance = self.chance
        if chance.random() < 0.2:
            return chance.choice(("", " ")).join(chance.choices(self._words, k=chance.randint(0, 30)))
        text = chance.choice(self._whole)
        for _ in range(chance.choice((0, 1, 1, 2, 5))):
            text = self._changed(text)
        return text

    def bytes(self) -> bytes:
        """One string of bytes, perhaps no UTF-8."""
        data = bytearray(self.text().encode(errors="surrogatepass"))
        if data and self.chance.random() < 0.3:
            data[self.chance.randrange(len(data))] = self.chance.randrange(256)
        return bytes(data)

    def _changed(self, text: str) -> str:
        chance = self.chance
        start = chance.randint(0, len(text))
        end = min(len(text), start + chance.choice((0, 1, 1, 2, 10, 50)))
        match chance.randrange(4):
            case 0:
                return text[:start] + text[end:]
            case 1:
                return text[:start] + chance.choice(self._words) + text[end:]
            case 2:
                return text[:end] + text[start:end] * chance.choice((1, 1, 2, 200)) + text[end:]
            case _:
                other = chance.choice(self._whole)
                return text[:start] + other[chance.randint(0, len(other)) :]


def said(path: Path, data: bytes) -> bytes:
    """What a daemon's socket answers to these bytes and to the end of them."""
    answer = b""
    with socket.socket(socket.AF_UNIX) as plain, suppress(BrokenPipeError, ConnectionResetError):
        plain.settimeout(60)
        plain.connect(str(path))
        with suppress(BrokenPipeError):  # it has heard enough
            plain.sendall(data)
            plain.shutdown(socket.SHUT_WR)
        while part := plain.recv(1 << 16):
            answer += part
    return answer


def memory() -> int:
    """Bytes of this process that are in memory (proc(5), statm)."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096
