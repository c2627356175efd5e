"""A process that has imported what its program has imported of libraries, and forks a child for each call.

An interpreter takes long to start, and libraries to import; a fork takes some milliseconds. This process has one
thread and none of the program's own modules: each child imports these anew, so that it finds no connection, lock or
state of another. The program starts it with `ForkServerClient`, which says what is sent here.

    stdin       from the program: the path of modules, then the modules to import, as a line of JSON each
    control     from the program: for each call, two descriptors; to the program: READY, or UNUSABLE
    status      one for each call. To the program: the child's pid, or minus the errno of a failed fork; later its
                exit status. From the program: signals for the child's group
    channel     one for each call, between program and child alone: the call, and its outcome

It ends when the program does, as `control` is closed then, and its children with it (PR_SET_PDEATHSIG).
"""

import atexit
import ctypes
import errno
import gc
import importlib
import json
import multiprocessing
import os
import selectors
import signal
import socket
import struct
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing import spawn
from multiprocessing.connection import Connection
from multiprocessing.reduction import ForkingPickler
from pathlib import Path
from typing import Any, Final, NoReturn

READY: Final = b"ready"
UNUSABLE: Final = b"unusable"
NUMBER: Final = struct.Struct("q")
"""How pids, statuses and signals are sent."""
_PR_SET_PDEATHSIG: Final = 1
"""From <sys/prctl.h>."""
_LIBC: Final = ctypes.CDLL(None)

Work = Callable[[Connection, Any], None]
"""Makes the call in the child: `work(channel, received)`."""


def main(control_fd: int, work: Work) -> None:
    """Serve until the program ends."""
    control = socket.socket(fileno=control_fd)
    modules: list[str] = json.loads(sys.stdin.readline())
    os.dup2(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC), 0)
    gc.disable()  # importing makes many objects, and next to no garbage
    for name in modules:
        with suppress(BaseException):  # the child imports it once more, and tells what is wrong
            importlib.import_module(name)
    if len([*Path("/proc/self/task").iterdir()]) > 1:  # a fork would copy whatever its threads hold
        control.send(UNUSABLE)
        return
    server = _Server(control, work)  # has all descriptors that it needs before it says that it is ready
    gc.collect()
    gc.freeze()  # a collection in a child would touch, and so copy, all that is shared with this process
    gc.enable()
    control.send(READY)
    server.serve()


class _Server:
    """The loop."""

    def __init__(self, control: socket.socket, work: Work) -> None:
        self._control = control
        self._work = work
        self._children: dict[int, socket.socket] = {}
        self._selector = selectors.DefaultSelector()
        self._woken, wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the program
        self._selector.register(control, selectors.EVENT_READ, self._accept)
        self._selector.register(self._woken, selectors.EVENT_READ, self._reap)

    def serve(self) -> None:
        while True:
            for key, _ in self._selector.select():
                key.data()

    def _accept(self) -> None:
        message, fds, flags, _ = socket.recv_fds(self._control, 1, 2)
        if not message:
            os._exit(0)
        if flags & socket.MSG_CTRUNC:  # this process has no room for more descriptors
            self._refuse(fds, errno.EMFILE)
            return
        status, channel = socket.socket(fileno=fds[0]), fds[1]
        server = os.getpid()
        try:
            pid = os.fork()
        except OSError as error:
            self._refuse([status.detach(), channel], error.errno or errno.EAGAIN)
            return
        if pid == 0:
            self._become_child(channel, status, server)
        os.close(channel)
        self._children[pid] = status
        self._selector.register(status, selectors.EVENT_READ, lambda: self._signal(pid, status))
        with suppress(OSError):  # who asked for it has died
            status.send(NUMBER.pack(pid))

    def _refuse(self, fds: list[int], number: int) -> None:
        """Report through the first of these descriptors that there is no child, and why; close them."""
        for place, fd in enumerate(fds):
            with socket.socket(fileno=fd) as each, suppress(OSError):
                if place == 0:
                    each.send(NUMBER.pack(-number))

    def _signal(self, pid: int, status: socket.socket) -> None:
        """Pass a signal on to the child's group; it has not been reaped, so its pid is still its own."""
        message = b""
        with suppress(OSError):
            message = status.recv(NUMBER.size)
        if not message:
            self._selector.unregister(status)
            return
        (number,) = NUMBER.unpack(message)
        with suppress(ProcessLookupError):
            os.kill(pid, number)
            os.killpg(pid, number)

    def _reap(self) -> None:
        with suppress(BlockingIOError):
            os.read(self._woken, 4096)
        with suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                pid, code = ended
                status = self._children.pop(pid, None)
                if status is None:  # of a library
                    continue
                with suppress(KeyError):
                    self._selector.unregister(status)
                with suppress(OSError):
                    status.send(NUMBER.pack(os.waitstatus_to_exitcode(code)))
                status.close()

    def _become_child(self, channel_fd: int, status: socket.socket, server: int) -> NoReturn:
        code = 1
        try:
            _leave(server, [self._control, status, *self._children.values()])
            _run_child(Connection(channel_fd), self._work)
            code = 0
        except EOFError:  # the program has no call for it
            code = 1
        except SystemExit as error:
            code = error.code if isinstance(error.code, int) else int(error.code is not None)
        except BaseException:  # noqa: BLE001 - as an interpreter of its own would end
            traceback.print_exc()
        finally:
            _finish(code)
        raise AssertionError


def _leave(server: int, inherited: list[socket.socket]) -> None:
    """Become a session of one's own that dies with the server, and let go of what is the server's."""
    os.setsid()
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != server:  # it died before
        os._exit(1)
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for each in inherited:
        each.close()


def _run_child(channel: Connection, work: Work) -> None:
    """Make the call that comes through the channel."""
    preparation, environment = ForkingPickler.loads(channel.recv_bytes())
    if os.environ != environment:  # a change touches, and so copies, many pages
        os.environ.clear()
        os.environ.update(environment)
    if numpy := sys.modules.get("numpy"):  # else each child would draw the same numbers
        numpy.random.seed()
    with _importing():
        spawn.prepare(preparation)
        received = ForkingPickler.loads(channel.recv_bytes())
    work(channel, received)


def _finish(code: int) -> NoReturn:
    """End as an interpreter does, but for taking its modules apart."""
    with suppress(BaseException):
        threading._shutdown()  # type: ignore[attr-defined]  # noqa: SLF001 - as multiprocessing does
        atexit._run_exitfuncs()  # noqa: SLF001 - as above
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


@contextmanager
def _importing() -> Iterator[None]:
    """What is imported meanwhile knows that it is in a child process."""
    process: Any = multiprocessing.current_process()
    process._inheriting = True  # noqa: SLF001 - as multiprocessing does
    try:
        yield
    finally:
        del process._inheriting  # noqa: SLF001 - as above
