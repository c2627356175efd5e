"""Nothing that a task's user can steer is loaded, opened, entered or executed with more rights than that user has."""

import ctypes
import errno
import fcntl
import os
import pwd
import resource
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from rocketd.core.model.events import Withdrawn
from rocketd.core.model.run import Action, Run
from rocketd.core.model.task import Command, Function, Identity, Limit, Surroundings, Task
from rocketd.executor.process import launcher_protocol
from support.executor_harness import World, new_world, shell
from support.servers.dead_file_server import dead_server

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")

LIBC = ctypes.CDLL(None, use_errno=True)
LIBRARY = r"""
#include <stdio.h>
#include <unistd.h>
unsigned la_version(unsigned version) { return version; }
void gconv_init(void) {}
int gconv(void) { return 5; }
__attribute__((constructor)) static void loaded(void)
{
    char name[32] = "";
    FILE *file = fopen("/proc/self/comm", "r");
    if (file && fgets(name, sizeof name, file)) {}
    file = fopen("%s", "a");
    if (file)
        fprintf(file, "%%d %%s", (int)geteuid(), name);
}
"""


@pytest.fixture
def world() -> Iterator[World]:
    with new_world() as made:
        yield made


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory that everybody can enter, and its owner, the user, write to."""
    with TemporaryDirectory() as made:
        os.chown(made, nobody().uid, -1)
        Path(made).chmod(0o755)
        yield Path(made)


def nobody() -> Identity:
    entry = pwd.getpwnam("nobody")
    return Identity(entry.pw_uid, entry.pw_gid, (entry.pw_gid,), "nobody", entry.pw_dir, entry.pw_shell)


def as_nobody(work: Command, around: Surroundings | None = None) -> Command:
    return replace(work, surroundings=replace(around or Surroundings(), identity=nobody()))


def secret(path: Path, text: str = "SECRET=1\n") -> Path:
    path.write_text(text)
    path.chmod(0o600)
    return path


# What the dynamic loader and the C library read from the environment


@pytest.fixture
def library(place: Path) -> Path:
    """A library that tells which user's process it was loaded into."""
    source, told, made = place / "evil.c", place / "told", place / "evil.so"
    source.write_text(LIBRARY % told)
    told.touch()
    told.chmod(0o666)
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", made, source], check=True)
    return made


def variables(library: Path) -> dict[str, str]:
    """Everything by which it could get into a process, each in a way that does not break the program itself."""
    for name in ("libcap-ng.so.0", "libselinux.so.1", "UTF-16.so", "evil.so"):
        if name != library.name:
            (library.parent / name).symlink_to(library)
    (library.parent / "gconv-modules").write_text(
        f"module UTF-8// INTERNAL {library} 1\nmodule INTERNAL UTF-8// {library} 1\n"
    )
    here = str(library.parent)
    return {
        "LD_PRELOAD": str(library),
        "LD_AUDIT": str(library),
        "LD_LIBRARY_PATH": here,
        "GCONV_PATH": here,
        "LOCPATH": here,
        "NLSPATH": f"{here}/%N",
        "GLIBC_TUNABLES": "glibc.malloc.check=3",
        "MALLOC_CHECK_": "3",
        "TZDIR": here,
    }


LIMITS = (Limit(resource.RLIMIT_NOFILE, 100, 100),)
WAYS = {
    "user": Surroundings(),
    "nice": Surroundings(nice=5),
    "higher priority": Surroundings(nice=-5),
    "limits": Surroundings(limits=LIMITS),
    "directory": Surroundings(directory="/usr"),
    "everything": Surroundings(nice=5, limits=LIMITS, directory="/usr", umask=0o077),
}


@pytest.mark.parametrize("from_file", [False, True], ids=["environment", "environment file"])
@pytest.mark.parametrize("way", WAYS)
def test_no_library_is_loaded_with_more_rights_than_the_users(
    world: World, place: Path, library: Path, way: str, *, from_file: bool
) -> None:
    given = variables(library)
    around = WAYS[way]
    if from_file:
        (place / ".env").write_text("".join(f"{name}={value}\n" for name, value in given.items()))
        around = replace(around, environment_files=(f"{place}/.env",))
    else:
        around = replace(around, environment=tuple(given.items()))
    for work in (Command(("/usr/bin/env",)), Command(("env",)), shell("/usr/bin/env"), script(place)):
        end = world.run(as_nobody(work, around))
        assert (end.action, f"GCONV_PATH={place}" in end.output) == (Action.SUCCESS, True), end
    loaded = {line.split()[0] for line in (place / "told").read_text().splitlines()}
    assert loaded == {str(nobody().uid)}


def script(place: Path) -> Command:
    made = place / "script"
    made.write_text("#!/bin/sh\nexec /usr/bin/env\n")
    made.chmod(0o755)
    return Command((str(made),))


def test_no_library_of_a_functions_user_is_loaded_with_more_rights(world: World, place: Path, library: Path) -> None:
    around = Surroundings(identity=nobody(), environment=(*variables(library).items(), ("PYTHONPATH", str(place))))
    (place / "theirs.py").write_text("import os\n\ndef own():\n    assert os.geteuid() != 0\n")
    readable = Path("/usr/bin/python3")  # the daemon's own may lie where that user may not look
    with readable_child(place) as child:
        work = Function("theirs:own", str(readable), surroundings=around)
        end = world.run(work)
    assert (end.action, end.message) == (Action.SUCCESS, ""), (end, child)
    assert {line.split()[0] for line in (place / "told").read_text().splitlines()} == {str(nobody().uid)}


@contextmanager
def readable_child(place: Path) -> Iterator[Path]:
    """Have the child's program where everybody may read it."""
    from rocketd.executor.process import function_protocol  # noqa: PLC0415 - patched for the moment

    copy = Path(shutil.copy(function_protocol.CHILD, place))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(function_protocol, "CHILD", str(copy))
        yield copy


def test_the_launcher_cannot_be_told_anything_by_the_task(world: World, place: Path, library: Path) -> None:
    """Its environment and its arguments hold nothing of the task's, and nobody else can read its orders."""
    around = Surroundings(environment=(("SECRET", "value"), *variables(library).items()))
    with dead_server(place / "dead"):
        hung = world.start(as_nobody(Command(("/bin/true", "secret")), replace(around, directory=f"{place}/dead")))
        waits(world, hung)
        proc = Path(f"/proc/{world.pid(hung)}")
        assert (proc / "cmdline").read_bytes() == f"{launcher_protocol.NAME}\0".encode()
        assert (proc / "environ").read_bytes() == f"ROCKETD_RUN_ID={hung.run_id}\0".encode()
        assert (proc / "comm").read_text() == "rocketd-launch\n"
        assert sorted(os.listdir(proc / "fd")) == ["0", "1", "2", "5"]  # noqa: PTH208 - numbers, not paths
        for name in ("environ", "fd", "mem", "maps"):
            looked = as_nobody(shell(f"cat {proc}/{name} || ls {proc}/{name}"))
            assert "Permission denied" in world.run(looked).output
        world.stopped(hung)


def waits(world: World, run: Run) -> None:
    """Let it come to where it hangs."""
    while "fuse" not in Path(f"/proc/{world.pid(run)}/wchan").read_text():
        world.run(shell("true"))


# Directories


def test_a_directory_behind_one_that_the_user_may_not_enter_is_not_entered(world: World, place: Path) -> None:
    with TemporaryDirectory() as private:  # 0700
        (Path(private) / "pub").mkdir()
        (Path(private) / "pub").chmod(0o755)
        (place / "link").symlink_to(f"{private}/pub")
        end = world.run(as_nobody(shell("pwd; ls"), Surroundings(directory=f"{place}/link")))
    assert (end.action, end.output) == (Action.FAIL, "")
    assert end.message == f"cannot start: directory {place}/link: Permission denied"


@pytest.mark.parametrize("home", ["/nonexistent", "", "/etc/passwd"], ids=["missing", "closed", "a file"])
def test_a_user_without_a_home_or_rights_on_it_runs_in_the_root(world: World, home: str) -> None:
    with TemporaryDirectory() as closed:  # 0700
        identity = replace(nobody(), home=home or closed)
        work = replace(shell("pwd"), surroundings=Surroundings(identity=identity))
        assert world.run(work).output == "/\n"


def test_a_directory_that_only_the_user_may_enter_is_entered(world: World, place: Path) -> None:
    place.chmod(0o700)
    assert world.run(as_nobody(shell("pwd"), Surroundings(directory=str(place)))).output == f"{place}\n"


# Programs


def test_a_program_that_only_root_may_execute_is_not_executed(world: World, place: Path) -> None:
    theirs = place / "link"
    with TemporaryDirectory() as private:
        theirs.symlink_to(secret(Path(private) / "tool", "#!/bin/sh\necho root's\n"))
        (Path(private) / "tool").chmod(0o755)
        for work in (Command((str(theirs),)), Command(("link",))):
            around = Surroundings(environment=(("PATH", str(place)),))
            end = world.run(as_nobody(work, around))
            assert (end.action, end.output) == (Action.FAIL, "")


def test_a_setuid_program_has_its_owners_rights_as_ever(world: World, place: Path) -> None:
    tool = Path(shutil.copy("/usr/bin/id", place))
    os.chown(tool, 1, -1)
    tool.chmod(0o4755)
    assert world.run(as_nobody(Command((str(tool), "-u")))).output == "1\n"


def test_every_right_is_given_up_before_anything_of_the_users_is_looked_at(world: World, place: Path) -> None:
    """Traced from outside: what is opened, entered or executed after the orders, is so after the change of user."""
    if shutil.which("strace") is None:
        pytest.skip("no strace")
    (place / "env").write_text("A=1\n")
    trace = place / "trace"
    around = Surroundings(environment_files=(f"{place}/env",), directory=str(place), nice=1, limits=LIMITS)
    tracer = subprocess.Popen(
        [
            "strace",
            "-f",
            "-qq",
            "-o",
            trace,
            "-e",
            "trace=execve,openat,open,chdir,setresuid,capset",
            "-p",
            str(os.getpid()),
        ],
        stderr=subprocess.DEVNULL,
    )
    while f"TracerPid:\t{tracer.pid}\n" not in Path("/proc/self/status").read_text():
        assert tracer.poll() is None
    run = world.start(as_nobody(Command(("cat", "/dev/null")), around))
    pid = world.pid(run)
    assert world.end(run).action is Action.SUCCESS
    tracer.send_signal(signal.SIGINT)
    tracer.wait()
    calls = [line.split(maxsplit=1)[1] for line in trace.read_text().splitlines() if line.startswith(f"{pid} ")]
    calls = [call for call in calls if not call.startswith("<...")]
    begun = next(index for index, call in enumerate(calls) if call.startswith('execve("/proc/self/fd/'))
    changed = next(index for index, call in enumerate(calls) if call.startswith("setresuid("))
    dropped = next(index for index, call in enumerate(calls) if call.startswith("capset("))
    assert calls[begun + 1 : changed] == []
    assert changed < dropped < next(index for index, call in enumerate(calls) if str(place) in call)


# Environment files


def reads(file: Path | str) -> Command:
    return as_nobody(shell("echo ${SECRET:-none}"), Surroundings(environment_files=(str(file),)))


def test_an_environment_file_is_read_with_the_users_rights(world: World, place: Path) -> None:
    theirs = secret(place / "theirs")
    os.chown(theirs, nobody().uid, -1)
    assert world.run(reads(theirs)).output == "1\n"
    with TemporaryDirectory() as private:
        Path(private).chmod(0o755)
        (place / "link").symlink_to(secret(Path(private) / "roots"))
        end = world.run(reads(place / "link"))
    assert (end.action, end.message) == (
        Action.FAIL,
        f"cannot start: environment file {place}/link: Permission denied",
    )


def test_a_missing_environment_file_is_missing_only_if_it_may_be(world: World, place: Path) -> None:
    assert world.run(reads(f"-{place}/gone")).output == "none\n"
    assert world.run(reads(f"{place}/gone")).message.endswith("/gone: No such file or directory")
    with TemporaryDirectory() as private:
        assert world.run(reads(f"-{private}/gone")).message.endswith("/gone: Permission denied")


@pytest.mark.parametrize("around", [Surroundings(), Surroundings(nice=1)], ids=["directly", "by the launcher"])
@pytest.mark.parametrize("kind", ["device", "FIFO", "socket", "directory"])
def test_what_is_no_file_is_never_opened(world: World, place: Path, kind: str, around: Surroundings) -> None:
    thing = place / "thing"
    match kind:
        case "device":
            os.mknod(thing, 0o020666, os.makedev(1, 3))
        case "FIFO":
            os.mkfifo(thing)
        case "socket":
            with socket.socket(socket.AF_UNIX) as bound:
                bound.bind(str(thing))
        case _:
            thing.mkdir()
    thing.chmod(0o777)
    opened = LIBC.inotify_init1(os.O_NONBLOCK)
    assert LIBC.inotify_add_watch(opened, os.fsencode(thing), 0x20) > 0  # IN_OPEN
    try:
        for who in (None, nobody()):
            work = replace(shell("true"), surroundings=replace(around, identity=who, environment_files=(str(thing),)))
            assert world.run(work).message == f"cannot start: environment file {thing}: not a regular file"
        with pytest.raises(BlockingIOError):
            os.read(opened, 4096)
        if kind == "directory":
            os.listdir(thing)  # noqa: PTH208 - which is seen
            assert os.read(opened, 4096)
    finally:
        os.close(opened)


# What makes an open wait


@contextmanager
def leased(path: Path) -> Iterator[None]:
    """Hold a lease on a file, as its owner can: whoever opens it waits for us, for 45 s at most."""
    old = signal.signal(signal.SIGIO, signal.SIG_IGN)
    descriptor = os.open(path, os.O_RDONLY)  # whoever could write would keep it from being executed
    fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_WRLCK)
    try:
        yield
    finally:
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
        os.close(descriptor)
        signal.signal(signal.SIGIO, old)


@pytest.mark.parametrize("who", [None, nobody()], ids=["root", "user"])
@pytest.mark.parametrize("what", ["program", "script", "interpreter", "environment file"])
def test_a_lease_holds_up_its_own_task_alone(world: World, place: Path, what: str, who: Identity | None) -> None:
    tool = Path(shutil.copy("/bin/sh", place / "tool"))
    job, file = place / "job", place / "env"
    job.write_text(f"#!{tool}\nexit 0\n")
    job.chmod(0o755)
    file.write_text("A=1\n")
    work = Command((str(tool), "-c", "true")) if what == "program" else Command((str(job),))
    around = Surroundings(identity=who, environment_files=(str(file),))
    held = {"program": tool, "script": job, "interpreter": tool, "environment file": file}[what]
    with leased(held):
        hung = world.start(replace(work, surroundings=around))
        assert world.run(shell("echo x")).output == "x\n"
        assert not [event for event in world.events if event.run == hung][1:]
    assert world.end(hung).action is Action.SUCCESS


def test_a_fifo_that_takes_the_programs_place_holds_up_nobody(world: World, place: Path) -> None:
    job, pipe = place / "job", place / "pipe"
    job.write_text("#!/bin/echo\n")  # a shell would itself open what has that name by then
    job.chmod(0o755)
    os.mkfifo(pipe)
    pipe.chmod(0o755)
    code = f"""
import ctypes
libc = ctypes.CDLL(None)
print(flush=True)
while True:
    libc.renameat2(-100, b"{job}", -100, b"{pipe}", 2)
"""
    flipper = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    try:
        assert flipper.stdout is not None
        flipper.stdout.readline()
        for who in (None, nobody()):
            around = Surroundings(identity=who, directory=str(place), environment_files=(f"-{job}",))
            for each in (around, replace(around, environment_files=())):
                actions = {world.run(Command(("./job",), surroundings=each)).action for _ in range(100)}
                assert actions <= {Action.SUCCESS, Action.FAIL}
    finally:
        flipper.kill()
        flipper.wait()
        assert flipper.stdout is not None
        flipper.stdout.close()


# What the launcher of a unit holds: systemd executes it with the rights of the task's user

TAKE = """
import ctypes, errno, os, sys
pid = int(sys.argv[1])
libc = ctypes.CDLL(None, use_errno=True)
for number in (0, 4, 5):
    taken = libc.syscall(438, os.pidfd_open(pid), number, 0)  # pidfd_getfd(2)
    print(errno.errorcode[ctypes.get_errno()] if taken < 0 else f"took {number}")
print("attached" if libc.ptrace(16, pid, 0, 0) == 0 else errno.errorcode[ctypes.get_errno()])
"""


def test_no_process_of_its_user_takes_what_the_launcher_of_a_unit_holds(place: Path) -> None:
    launcher, file, request = (place / name for name in ("launcher", "env", "request"))
    shutil.copy(launcher_protocol.LAUNCHER, launcher)
    file.write_text("A=1\n")
    asked = launcher_protocol.LaunchRequest(
        argv=("/bin/true",),
        directory="/",
        home_optional=True,
        umask=0o022,
        nice=None,
        limits=(),
        identity=None,
        environment={},
        environment_files=(str(file),),
        run_environment={"ROCKETD_RUN_ID": "x"},
    )
    request.write_bytes(asked.encode_for_unit(b"", ()))
    reader, writer = os.pipe()
    who = nobody()
    with os.fdopen(reader, "rb", buffering=0) as status, request.open("rb") as stdin:
        with leased(file):
            held = subprocess.Popen(
                [launcher_protocol.NAME, "unit"],
                executable=launcher,
                stdin=stdin,
                stdout=subprocess.DEVNULL,
                stderr=writer,
                user=who.uid,
                group=who.gid,
                extra_groups=[],
            )
            os.close(writer)
            waits = launcher_protocol.decode_last_message(status.read(4096))
            code = [sys.executable, "-I", "-c", TAKE, str(held.pid)]
            spy = subprocess.run(
                code, user=who.uid, group=who.gid, extra_groups=[], capture_output=True, check=True, timeout=60
            )
        assert held.wait(60) == 0
    assert (waits.stage, waits.text) == (launcher_protocol.Stage.ENVIRONMENT_FILE, str(file))
    assert spy.stdout.decode().split() == ["EPERM"] * 4


# What the host denies


def test_a_user_who_may_have_no_more_processes_is_told_so(world: World) -> None:
    run = world.start(as_nobody(shell("echo there; exec sleep 1000")))
    world.printed(run, "there")  # it counts only once it is the user's
    none = Surroundings(limits=(Limit(resource.RLIMIT_NPROC, 0, 0),))
    outcome = world.outcome(world.start(as_nobody(Command(("/bin/true",)), none)))
    world.stopped(run)
    assert isinstance(outcome, Withdrawn)
    assert outcome.reason == "user nobody has more processes than nproc = 0 in the limits of this task allows"


def test_a_limit_that_cannot_be_set_is_named(world: World) -> None:
    end = world.run(Command(("/bin/true",), surroundings=Surroundings(limits=(Limit(resource.RLIMIT_CORE, 2, 1),))))
    assert end.message == f"cannot start: limit core: {os.strerror(errno.EINVAL)}"


def test_without_its_launcher_a_task_that_needs_none_runs_and_another_says_what_it_needs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(launcher_protocol.Launcher.__init__, "__defaults__", (tmp_path / "missing",))
    with new_world() as world:
        assert world.run(shell("echo x")).output == "x\n"
        message = world.run(as_nobody(shell("echo x"))).message
    assert message.startswith("cannot start: that needs rocketd's launcher, which this installation lacks (install")


def test_a_change_of_user_that_has_not_happened_is_noticed(world: World) -> None:
    work = replace(shell("id -u"), surroundings=Surroundings(identity=replace(nobody(), uid=2**32 - 1)))
    end = world.run(Task("job", work))
    assert (end.action, end.output) == (Action.FAIL, "")
    assert end.message == "cannot start: it cannot become nobody: Operation not permitted"
