"""What hosts tell each other through the database as it happens: that there is something to look at.

An announcement is only a reason to read, as anybody who can connect can send one. It carries no names, only short
hashes of them, by which a host knows whether it is about tasks that matter to it; of what it cannot read it thinks so.

    changed HASH HASH   something has been recorded of these tasks
    free HASH HASH      these tasks have no owner
"""

from collections.abc import Collection
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from psycopg import Connection
    from psycopg.rows import TupleRow

CHANGED: Final = "changed"
FREE: Final = "free"
_CHANNEL: Final = "rocketd.{fleet}.tasks"
_SEND: Final = "SELECT pg_notify(%(channel)s, %(text)s)"
_MOST: Final = 400
"""Of more tasks all hosts look: an announcement has 8,000 bytes at most."""
_SIZE: Final = 4
"""Bytes of a hash: two names with the same one cost a look."""


def channel_of(fleet: str) -> str:
    """Return the channel of a fleet: LISTEN "rocketd.default.tasks"."""
    return _CHANNEL.format(fleet=fleet)


def hash_of(name: str) -> str:
    """Return what stands for the name of a task."""
    return blake2b(name.encode(errors="replace"), digest_size=_SIZE).hexdigest()


def announcement(kind: str, names: Collection[str]) -> str:
    """Return what is announced about these tasks."""
    return " ".join([kind, *(sorted(map(hash_of, set(names))) if len(names) <= _MOST else [])])


def announce(connection: "Connection[TupleRow]", fleet: str, kind: str, names: Collection[str]) -> None:
    """Tell the hosts about these tasks, when the transaction is committed. Each makes commits wait for each other."""
    if names:
        connection.execute(_SEND, {"channel": channel_of(fleet), "text": announcement(kind, names)})


def concerns(text: str, watched: Collection[str], loaded: Collection[str]) -> bool:
    """Whether an announcement matters to a host.

    `watched`: hashes of the tasks of which it has to know at once what is recorded; `loaded`: of all that it has.
    """
    kind, *hashes = text.split() or [""]
    if kind not in (CHANGED, FREE) or not hashes:
        return True
    return not {*hashes}.isdisjoint(watched if kind == CHANGED else loaded)
