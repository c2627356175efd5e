"""Users and groups as the host knows them: by name or number. Each look-up may hang, as the name service may."""

import grp
import os
import pwd
from contextlib import suppress
from typing import Final

from rocketd.config.problems import BadValue

_MAX_ID: Final = 2**32 - 2
"""The highest uid and gid: the one above means "no change" to setresuid(2)."""
_GROUPS: Final = 64
"""How many groups of a user are expected; there may be more."""


class BadGroup(BadValue):
    """A mistake about the group, not the user."""


def user_entry(user: str) -> pwd.struct_passwd | None:
    """Look a user up; one that is a number need not be known."""
    with suppress(KeyError):
        return pwd.getpwuid(_number(user)) if _is_number(user) else pwd.getpwnam(user)
    return pwd.struct_passwd((user, "", _number(user), -1, "", "/", "/bin/sh")) if _is_number(user) else None


def groups_of(user: str, gid: int) -> tuple[int, ...]:
    """As os.getgrouplist, which stops every thread of the program for as long as the name service takes."""
    import ctypes  # noqa: PLC0415 - it costs start-up time, and few tasks of a task file that is checked have a user

    libc, count = ctypes.CDLL(None), ctypes.c_int(_GROUPS)
    while True:
        size = count.value
        groups = (ctypes.c_uint32 * size)()
        if libc.getgrouplist(os.fsencode(user), gid, groups, ctypes.byref(count)) >= 0:
            return tuple(groups[: count.value])
        count.value = max(count.value, 2 * size)


def group_id(group: str) -> int | None:
    if _is_number(group):
        return _number(group, BadGroup)
    with suppress(KeyError):
        return grp.getgrnam(group).gr_gid
    return None


def names_in(path: str) -> list[str]:
    with open(path, encoding="utf-8", errors="replace") as file:  # noqa: PTH123 - of the host
        return [line.partition(":")[0] for line in file]


def _is_number(name: str) -> bool:
    return name.isascii() and name.isdigit()


def _number(name: str, error: type[BadValue] = BadValue) -> int:
    number = int(name[:20])
    if number > _MAX_ID:
        raise error(f"{name} is above the highest possible number, {_MAX_ID}")
    return number
