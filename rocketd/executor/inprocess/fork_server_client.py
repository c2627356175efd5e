"""The program's side of the fork server: starts it when the first call needs it, and asks it for children."""

import atexit
import errno
import json
import os
import socket
import subprocess
import sys
import sysconfig
from contextlib import ExitStack, suppress
from multiprocessing import spawn
from multiprocessing.connection import Connection
from multiprocessing.reduction import ForkingPickler
from pathlib import Path
from threading import Lock
from typing import BinaryIO, Final

from rocketd.executor.inprocess.fork_server import NUMBER, READY
from rocketd.executor.shortage import cannot

_START_TIMEOUT: Final = 30.0
"""Seconds that the server may take to import libraries; children are started without it then."""
_PROGRAM: Final = (
    "import sys, json; sys.path[:] = json.loads(sys.stdin.readline()); fd = int(sys.argv.pop()); "
    "from rocketd.executor.inprocess import child_process, fork_server; "
    "fork_server.main(fd, child_process.answer)"
)
_GONE: Final = frozenset({errno.EPIPE, errno.ECONNRESET, errno.ENOTCONN})
"""What sending gives once the server has died."""
_LIBRARIES: Final = (
    str(Path(__file__).parents[2]),
    *(f"{sysconfig.get_path(name)}/" for name in ("stdlib", "platstdlib", "purelib", "platlib")),
)
"""Where modules are that are not the program's own: rocketd, and what is installed."""


class ForkServerUnusable(Exception):
    """No child can be forked: libraries start threads, or the server cannot be started."""


class ForkedChild:
    """A child of the server. `signal` may be called from any thread."""

    def __init__(self, pid: int, status: socket.socket, channel: Connection) -> None:
        self.pid = pid
        self.channel = channel
        self._status = status

    def send(self, packed: bytes) -> None:
        """Have it make this call, which has been pickled."""
        preparation = spawn.get_preparation_data("call")
        preparation["authkey"] = bytes(preparation["authkey"])  # multiprocessing's own type is not pickled
        self.channel.send_bytes(ForkingPickler.dumps((preparation, dict(os.environ))))
        self.channel.send_bytes(packed)

    def signal(self, number: int) -> None:
        """Send a signal to its whole group, unless it has ended."""
        with suppress(OSError):
            self._status.send(NUMBER.pack(number))

    def fileno(self) -> int:
        """Return what becomes readable when it ends."""
        return self._status.fileno()

    def join(self) -> int:
        """Wait for its end; return its exit code, or minus the signal, as `subprocess.Popen.returncode`."""
        message = self._status.recv(NUMBER.size)
        code: int = NUMBER.unpack(message)[0] if message else -9  # with the server, its children are killed
        return code

    def close(self) -> None:
        self.channel.close()
        self._status.close()


class ForkServerClient:
    """One server for all calls of the program."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._control: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._pid = 0
        """Of the program; another after a fork, whose child must not use the server."""
        self._unusable = False
        atexit.register(self.close)

    def close(self) -> None:
        """End the server, and with it the children that there may be."""
        with self._lock:
            self._stop()

    def start(self, module: str) -> None:
        """Start the server now; see `fork`."""
        with self._lock:
            self._started(module)

    def fork(self, module: str) -> ForkedChild:
        """Return a new child, which waits for its call. Raises ForkServerUnusable, ResourceShortage.

        `module` is that of the function: its package is the program's own, even where it is installed.
        """
        with ExitStack() as opened:
            with self._lock:
                status, channel = self._request(self._started(module), opened)
            message = status.recv(NUMBER.size)
            number: int = NUMBER.unpack(message)[0] if message else 0
            if number > 0:
                opened.pop_all()
                return ForkedChild(number, status, Connection(channel.detach()))
        if number == 0:
            raise ForkServerUnusable
        raise cannot("a process", OSError(-number, os.strerror(-number)))

    def _request(self, control: socket.socket, opened: ExitStack) -> tuple[socket.socket, socket.socket]:
        """Ask the server for a child; return the program's ends of its status and its channel."""
        with ExitStack() as sent:
            try:
                status, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
                opened.enter_context(status)
                sent.enter_context(theirs)
                channel, other = socket.socketpair()
                opened.enter_context(channel)
                sent.enter_context(other)
                socket.send_fds(control, [b"f"], [theirs.fileno(), other.fileno()])
            except OSError as error:
                if error.errno not in _GONE:
                    raise cannot("a socket", error) from error
                self._stop()
                raise ForkServerUnusable from None
        return status, channel

    def _started(self, module: str) -> socket.socket:
        if self._unusable:
            raise ForkServerUnusable
        if self._control is not None and self._pid == os.getpid():
            if self._process is not None and self._process.poll() is None:
                return self._control
            self._stop()
        try:
            self._control = self._start(module)
        except OSError as error:
            self._stop()
            raise cannot("a process", error) from error
        return self._control

    def _start(self, module: str) -> socket.socket:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        flags = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]  # noqa: SLF001 - as multiprocessing does
        call = [sys.executable, *flags, "-c", _PROGRAM, str(theirs.fileno())]
        with theirs, _request_file(module) as request:
            self._process = subprocess.Popen(call, pass_fds=[theirs.fileno()], stdin=request)  # noqa: S603 - ourselves
        self._pid = os.getpid()
        ours.settimeout(_START_TIMEOUT)
        with suppress(OSError):
            if ours.recv(len(READY)) == READY:
                ours.settimeout(None)
                return ours
        ours.close()
        self._stop()
        self._unusable = True
        raise ForkServerUnusable

    def _stop(self) -> None:
        if self._control is not None:
            self._control.close()
        if self._process is not None and self._pid == os.getpid():
            self._process.kill()
            self._process.wait()
        self._control = self._process = None


def _request_file(module: str) -> BinaryIO:
    """Return a file in memory with what the server reads from its standard input: thousands of modules fit into it."""
    file = open(os.memfd_create("modules"), "w+b")  # noqa: PTH123, SIM115 - it has no path; the caller closes it
    path = [place for place in sys.path if isinstance(place, str)]
    file.write("".join(f"{json.dumps(each)}\n" for each in (path, _libraries(module))).encode())
    file.seek(0)
    return file


def _libraries(own: str) -> list[str]:
    """Return what has been imported of the standard library and of installed packages, the first imported first."""
    main = getattr(sys.modules["__main__"], "__spec__", None)
    own = "" if own.startswith("rocketd.") or own in sys.stdlib_module_names else own
    programs = {own.partition(".")[0], "" if main is None else main.name.partition(".")[0], "__main__", "__mp_main__"}
    found = [(name, getattr(module, "__file__", None)) for name, module in [*sys.modules.items()]]
    return [
        name
        for name, file in found
        if isinstance(file, str) and file.startswith(_LIBRARIES) and name.partition(".")[0] not in programs
    ]
