"""Hosts that do not answer, for real daemons: a name service that hangs or lacks a user, a dead file server.

The name service is a library that is loaded before the C library and reads what it is to do from a directory:

    hang/NAME       whoever looks NAME up waits until this is gone
    users/NAME      there is such a user; what is in the file is the uid
    known-groups/NAME   there is such a group; what is in the file is the gid
"""

import ctypes
import os
import select
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_SOURCE = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

static void path_of(char *path, size_t size, const char *kind, const char *name)
{
    snprintf(path, size, "%s/%s/%s", getenv("NAME_SERVICE"), kind, name);
}

static void perhaps_hang(const char *name)
{
    char path[4096], directory[4096];
    path_of(path, sizeof path, "hang", name);
    path_of(directory, sizeof directory, "hang", "");
    int watch = inotify_init1(IN_CLOEXEC);
    inotify_add_watch(watch, directory, IN_DELETE | IN_MOVED_FROM);
    while (access(path, F_OK) == 0) {
        char events[4096];
        if (read(watch, events, sizeof events) < 0)
            break;
    }
    close(watch);
}

int getpwnam_r(const char *name, struct passwd *entry, char *buffer, size_t size, struct passwd **result)
{
    int (*real)(const char *, struct passwd *, char *, size_t, struct passwd **) = dlsym(RTLD_NEXT, "getpwnam_r");
    perhaps_hang(name);
    char path[4096];
    path_of(path, sizeof path, "users", name);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return real(name, entry, buffer, size, result);
    unsigned uid = 65534;
    if (fscanf(file, "%u", &uid) != 1)
        uid = 65534;
    fclose(file);
    if (strlen(name) + 1 > size)
        return ERANGE;
    strcpy(buffer, name);
    entry->pw_name = buffer;
    entry->pw_passwd = "";
    entry->pw_uid = entry->pw_gid = uid;
    entry->pw_gecos = "";
    entry->pw_dir = "/";
    entry->pw_shell = "/bin/sh";
    *result = entry;
    return 0;
}

int getgrnam_r(const char *name, struct group *entry, char *buffer, size_t size, struct group **result)
{
    int (*real)(const char *, struct group *, char *, size_t, struct group **) = dlsym(RTLD_NEXT, "getgrnam_r");
    perhaps_hang(name);
    char path[4096];
    path_of(path, sizeof path, "known-groups", name);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return real(name, entry, buffer, size, result);
    unsigned gid = 65534;
    if (fscanf(file, "%u", &gid) != 1)
        gid = 65534;
    fclose(file);
    if (strlen(name) + 1 + sizeof(char *) > size)
        return ERANGE;
    *(char **)buffer = NULL;
    entry->gr_mem = (char **)buffer;
    strcpy(buffer + sizeof(char *), name);
    entry->gr_name = buffer + sizeof(char *);
    entry->gr_passwd = "";
    entry->gr_gid = gid;
    *result = entry;
    return 0;
}

int getgrouplist(const char *name, gid_t group, gid_t *groups, int *count)
{
    int (*real)(const char *, gid_t, gid_t *, int *) = dlsym(RTLD_NEXT, "getgrouplist");
    char asked[4096];
    snprintf(asked, sizeof asked, "groups-of-%s", name);
    perhaps_hang(asked);
    return real(name, group, groups, count);
}
"""

MNT_DETACH = 2
LIBC = ctypes.CDLL(None, use_errno=True)


class NameService:
    """Knows users that the host does not, and hangs when it is told to."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        for name in ("hang", "users", "known-groups"):
            (directory / name).mkdir(parents=True)
        source, library = directory / "names.c", directory / "names.so"
        source.write_text(_SOURCE)
        subprocess.run(["gcc", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
        self.environment = {"LD_PRELOAD": str(library), "NAME_SERVICE": str(directory)}

    def add(self, user: str, uid: int = 65534) -> None:
        """Let there be such a user."""
        new = self._directory / f"{user}.new"
        new.write_text(str(uid))
        new.rename(self._directory / "users" / user)

    def add_group(self, group: str, gid: int) -> None:
        """Let there be such a group."""
        new = self._directory / f"{group}.new"
        new.write_text(str(gid))
        new.rename(self._directory / "known-groups" / group)

    def remove(self, user: str) -> None:
        """Let there be no such user any more."""
        (self._directory / "users" / user).unlink()

    def hang(self, name: str) -> None:
        """Do not answer any more who that is."""
        (self._directory / "hang" / name).touch()

    def answer(self, name: str) -> None:
        """Answer again."""
        (self._directory / "hang" / name).unlink()


class FileServer:
    """Files of another directory, from a server that stops answering when it is told to (FUSE: bindfs)."""

    def __init__(self, files: Path, place: Path) -> None:
        self.place = place
        for directory in (files, place):
            directory.mkdir(exist_ok=True)
        if shutil.which("bindfs") is None or not Path("/dev/fuse").exists():
            pytest.skip("no bindfs here")
        self._connections = place.with_name(f"{place.name}.connections")
        self._connections.mkdir(exist_ok=True)
        if LIBC.mount(b"none", os.fsencode(self._connections), b"fusectl", 0, None) != 0:
            pytest.skip(f"not allowed to mount: {os.strerror(ctypes.get_errno())}")
        before = self._mounts()
        self._server = subprocess.Popen(["bindfs", "-f", files, place], stderr=subprocess.PIPE)
        while self._mounts() == before:  # the kernel says when that has changed
            assert self._server.poll() is None, self._server.stderr and self._server.stderr.read()
            with Path("/proc/self/mountinfo").open() as mounts:
                changed = select.poll()
                changed.register(mounts, select.POLLPRI)
                if self._mounts() == before:
                    changed.poll(10_000)

    def _mounts(self) -> int:
        return Path("/proc/self/mountinfo").read_text().count(f" {self.place} ")

    def hang(self) -> None:
        """Answer nobody any more. Not in the middle of an answer: the kernel lets nobody go who waits for one."""
        self._server.send_signal(signal.SIGSTOP)
        while self._is_answering():
            self._server.send_signal(signal.SIGCONT)
            self._server.send_signal(signal.SIGSTOP)

    def _is_answering(self) -> bool:
        (line,) = (line for line in Path("/proc/self/mountinfo").read_text().splitlines() if f" {self.place} " in line)
        minor = line.split()[2].partition(":")[2]
        return (self._connections / minor / "waiting").read_text().strip() != "0"

    def answer(self) -> None:
        """Answer everybody who waits."""
        self._server.send_signal(signal.SIGCONT)

    def close(self) -> None:
        """Take it away; who still waits gets an error."""
        for mounted in (self.place, self._connections):
            LIBC.umount2(os.fsencode(mounted), MNT_DETACH)
        self._server.kill()
        self._server.wait(10)
        if self._server.stderr:
            self._server.stderr.close()


@contextmanager
def file_server(files: Path, place: Path) -> Iterator[FileServer]:
    """Have one for a while."""
    server = FileServer(files, place)
    try:
        yield server
    finally:
        server.close()


@contextmanager
def dead(place: Path) -> Iterator[None]:
    """Make every look at that directory hang; what hangs there afterwards gets an error."""
    try:
        server = os.open("/dev/fuse", os.O_RDWR)
    except OSError as error:
        pytest.skip(f"no FUSE here: {error}")
    options = f"fd={server},rootmode=40000,user_id=0,group_id=0,allow_other"
    if LIBC.mount(b"dead", os.fsencode(place), b"fuse.dead", 0, options.encode()) != 0:
        pytest.skip(f"not allowed to mount: {os.strerror(ctypes.get_errno())}")
    try:
        yield
    finally:
        LIBC.umount2(os.fsencode(place), MNT_DETACH)
        os.close(server)
