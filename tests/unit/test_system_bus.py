"""Which messages a connection to the system bus skips, however their bytes come."""

import errno
import itertools
import socket

import pytest
from dbus_fast import Message, MessageType, Variant

from rocketd import system_bus
from rocketd.system_bus import MAX_SIGNAL, MessageFilter, SystemBusSocket

REPLY = Message(message_type=MessageType.METHOD_RETURN, reply_serial=7, signature="ay", body=[bytes(2 * MAX_SIGNAL)])
SMALL = Message.new_signal("/a", "a.b", "C", "s", ["small"])
LARGE = Message.new_signal("/a", "a.b", "C", "av", [[Variant("y", 1)] * MAX_SIGNAL])
LONG_HEAD = Message.new_signal(f"/{'a' * MAX_SIGNAL}", "a.b", "C", "", [])


def message(of: Message, serial: int = 1) -> bytes:
    of.serial = serial
    return bytes(of._marshall(negotiate_unix_fd=False))  # noqa: SLF001 - there is no other way to its bytes


@pytest.mark.parametrize("size", [1, 3, 15, 16, 17, 4096, 10**7])
def test_only_large_signals_are_skipped_however_the_bytes_come(size: int) -> None:
    kept, skipped = [message(SMALL), message(REPLY)], [message(LARGE), message(LONG_HEAD)]
    for order in itertools.permutations([*kept, *skipped]) if size > 17 else ([*skipped, *kept, *skipped, *kept],):
        data, found = b"".join(order), MessageFilter()
        passed = b"".join(found.feed(data[at : at + size]) for at in range(0, len(data), size))
        assert passed == b"".join(one for one in order if one in kept)


def test_the_other_byte_order_is_known_as_well() -> None:
    head = bytes([ord("B"), 4, 0, 1]) + (MAX_SIGNAL + 1).to_bytes(4, "big") + bytes(4) + (0).to_bytes(4, "big")
    assert MessageFilter().feed(head + bytes(MAX_SIGNAL + 1) + message(SMALL)) == message(SMALL)


def test_skipping_lets_others_have_their_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system_bus, "MAX_SKIPPED", 1)
    ours, theirs = socket.socketpair()
    with SystemBusSocket(ours.detach()) as connection, theirs:
        theirs.sendall(message(LARGE)[:1000])
        for _ in range(2):  # then it is empty
            with pytest.raises(BlockingIOError) as raised:
                connection.recv(8192)
            assert raised.value.errno == errno.EAGAIN
        theirs.close()
        assert connection.recv(8192) == b""
