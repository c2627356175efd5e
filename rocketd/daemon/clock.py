"""The one clock, and an alarm on it.

The alarm is a timerfd(2) on the wall clock: it is exact to some 100 µs, rings at once when the host resumes from a
suspend that slept past it, and tells of a clock step the moment it happens, without waking up to look.
`os.timerfd_create` came with Python 3.13, so the calls are made through ctypes.
"""

import asyncio
import ctypes
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from rocketd.core.instant import FOREVER, SECOND, Duration, Instant

_LIBC: Final = ctypes.CDLL(None, use_errno=True)
_TFD_NONBLOCK: Final = os.O_NONBLOCK
_TFD_CLOEXEC: Final = os.O_CLOEXEC
_TFD_TIMER_ABSTIME: Final = 1
_TFD_TIMER_CANCEL_ON_SET: Final = 2
_TIMEX: Final = 256
"""Bytes, more than a struct timex has; all zero, it changes nothing."""
_TIME_ERROR: Final = 5
_FAR: Final[Instant] = 2**33 * SECOND
"""An alarm that never fires must still be set: only then it reports clock steps. The kernel counts to 2262."""


class _Timespec(ctypes.Structure):
    _fields_ = (("tv_sec", ctypes.c_long), ("tv_nsec", ctypes.c_long))


class _Itimerspec(ctypes.Structure):
    _fields_ = (("it_interval", _Timespec), ("it_value", _Timespec))


class SystemClock:
    """The clocks of this host, in microseconds."""

    def now(self) -> Instant:
        """Read the wall clock (CLOCK_REALTIME)."""
        return time.clock_gettime_ns(time.CLOCK_REALTIME) // 1000

    def monotonic(self) -> Duration:
        """Read the clock that suspends and steps do not touch (CLOCK_MONOTONIC)."""
        return time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000

    def boottime(self) -> Duration:
        """Read the clock that keeps running in a suspend (CLOCK_BOOTTIME)."""
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000

    def booted_at(self) -> Instant:
        """Return when the host booted, by the present setting of the clock; in a container, when its init began."""
        return self.now() - self.boottime() + _init_started()


def _init_started() -> Duration:
    """Return how long after the boot the first process began: field 22 of its stat, in clock ticks."""
    try:
        stat = Path("/proc/1/stat").read_text(encoding="utf-8", errors="replace")
        return int(stat.rpartition(")")[2].split()[19]) * SECOND // os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):  # it is hidden: the boot is that of the kernel
        return 0


class TimerAlarm:
    """Rings once at an instant of the wall clock, and whenever the clock is set."""

    def __init__(self, callback: Callable[[], None]) -> None:
        """`callback` is called on the running loop's thread."""
        self._fd = _checked(_LIBC.timerfd_create(time.CLOCK_REALTIME, _TFD_NONBLOCK | _TFD_CLOEXEC))
        self._callback = callback
        self._at: Instant | None = None
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._fd, self._on_ready)
        self.set(FOREVER)

    def set(self, at: Instant) -> None:
        """Ring at this instant, and not at the one that was set before; one that has passed rings at once."""
        at = max(1, min(at, _FAR))  # zero would disarm it
        if at == self._at:
            return
        self._at = at
        seconds, micros = divmod(at, SECOND)
        spec = _Itimerspec(_Timespec(0, 0), _Timespec(seconds, micros * 1000))
        flags = _TFD_TIMER_ABSTIME | _TFD_TIMER_CANCEL_ON_SET
        _checked(_LIBC.timerfd_settime(self._fd, flags, ctypes.byref(spec), None))

    def close(self) -> None:
        """Never ring again."""
        self._loop.remove_reader(self._fd)
        os.close(self._fd)

    def _on_ready(self) -> None:
        try:
            os.read(self._fd, 8)
        except BlockingIOError:
            return
        except OSError:  # ECANCELED: the clock was set
            pass
        self._at = None
        self._callback()


def is_synchronized() -> bool:
    """Whether a time service has reported the clock as synchronized to the kernel (adjtimex(2)); False: not known."""
    state: int = _LIBC.adjtimex(ctypes.create_string_buffer(_TIMEX))
    return 0 <= state < _TIME_ERROR


class Drift:
    """Notices steps of the wall clock and suspends, by comparing the three clocks."""

    STEP: Final[Duration] = SECOND // 4
    """Smaller steps come from slewing, and are not reported."""

    def __init__(self, now: Instant, monotonic: Duration, boottime: Duration) -> None:
        self._wall, self._asleep = now - boottime, boottime - monotonic

    def update(self, now: Instant, monotonic: Duration, boottime: Duration) -> tuple[Duration, Duration]:
        """Return how far the wall clock was set, and how long the host slept, since the last call; 0: not at all."""
        wall, asleep = now - boottime, boottime - monotonic
        stepped, slept = wall - self._wall, asleep - self._asleep
        self._wall, self._asleep = wall, asleep
        return (stepped if abs(stepped) >= self.STEP else 0), (slept if slept >= self.STEP else 0)


class Steadiness:
    """For how long nobody has set the wall clock, by one that nobody sets."""

    def __init__(self, boottime: Callable[[], Duration]) -> None:
        self._boottime = boottime
        self._since = boottime()

    def reset(self) -> None:
        """Somebody has set it just now."""
        self._since = self._boottime()

    @property
    def duration(self) -> Duration:
        """How long it has been left alone."""
        return self._boottime() - self._since


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
