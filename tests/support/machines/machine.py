"""A throw-away Debian machine: a real systemd, booted on an overlay over read-only trees.

systemd-nspawn does the booting; it needs root and no systemd on the host. A machine takes half a second to boot, and
whatever happens to the test process, nothing of it stays: the machine is PID 1 of a PID namespace and its disk is
mounted in a mount namespace, both of which end with a supervisor that holds on to a pipe of the test process.
"""

import contextlib
import itertools
import json
import os
import selectors
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self, TypeAlias

from support.machines import cgroups

Entry: TypeAlias = Mapping[str, str]
"""An entry of the journal, field by field."""

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
INSIDE = {"PATH": PATH, "LANG": "C.UTF-8", "HOME": "/root", "SYSTEMD_PAGER": "", "SYSTEMD_COLORS": "0"}
REBOOT_ASKED = 133  # what nspawn --keep-unit exits with when the machine wants to boot again
_NUMBERS = itertools.count(1)
PATIENCE = 60.0  # seconds after which a test gives up

# It has the lifeline on standard input. `cat` ends with the test process, and takes the machine with it.
SUPERVISOR = """
set -e
exec 3<&0 </dev/null
for group in $CGROUPS; do echo 0 >"$group/cgroup.procs"; done
mount -t overlay overlay -o "lowerdir=$LOWER,upperdir=$DISK/up,workdir=$DISK/plan" "$DISK/root"
"$@" & machine=$!
{ cat <&3 >/dev/null; kill -9 $machine; } &
set +e
wait $machine
exit $?
"""


class MachineError(Exception):
    """The machine did not do what machines do; what it printed is in the message."""


class Machine:
    """One machine with a disk of its own; the disk outlives reboots and power cuts, and goes with `destroy`."""

    def __init__(
        self, disk: Path, *trees: Path, binds: Sequence[Path] = (), limits: bool = False, hostname: str = ""
    ) -> None:
        """Its disk, a new directory, starts as `trees`, the topmost first; `binds` are seen inside at the same path.

        With `limits`, MemoryMax=, TasksMax= and CPUQuota= bite. Where the host has the controllers in hierarchies of
        version 1, the machine has them there as well, and no others.
        """
        self._limits = limits and not cgroups.is_unified()
        self._trees = trees
        self._binds = binds
        self._disk = disk
        for part in ("up", "plan", "root"):
            (disk / part).mkdir(parents=True)
        self.name = f"rocketd-{os.getpid()}-{next(_NUMBERS)}"
        self._hostname = hostname or self.name
        if hostname:  # the tree has the name of the host where it was made
            (disk / "up" / "etc").mkdir()
            (disk / "up" / "etc" / "hostname").write_text(f"{hostname}\n")
        self._groups = [top / self.name for top in cgroups.tops()]
        self._counted = self._groups[-1]
        if self._limits:
            self._groups += [top / self.name for top in cgroups.own_groups()]
        self._supervisor: subprocess.Popen[bytes] | None = None
        self._leader = 0

    # -- its life -----------------------------------------------------------------------------

    def start(self) -> None:
        """Boot; returns when systemd says that it is up."""
        for group in self._groups:
            group.mkdir(exist_ok=True)
        with contextlib.closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as ready:
            address = self._disk / "notify"
            address.unlink(missing_ok=True)
            ready.bind(str(address))
            self._supervisor = self._spawn(address)
            self._await_ready(ready)
        self._leader = next(pid for pid in _descendants(self._supervisor.pid) if _is_machines_init(pid))
        if self._limits:
            self._give_controllers()

    def _give_controllers(self) -> None:
        """Let its systemd use them: nspawn mounts them read-only, and it looks again when it is re-executed."""
        for name in cgroups.CONTROLLERS:
            self.run("mount", "-o", "remount,bind,rw", f"/sys/fs/cgroup/{name}")
        self.run("systemctl", "daemon-reexec")
        self.run("systemctl", "is-system-running", "--wait", check=False)

    def reboot(self) -> None:
        self.run("systemctl", "reboot", check=False)
        if (code := self._await_end()) != REBOOT_ASKED:
            raise MachineError(f"it did not reboot, exit {code}:\n{self._console()}")
        self.start()

    def power_cut(self) -> None:
        """Every process dies at once and is told nothing. What was written, synced or not, stays."""
        os.kill(self._leader, signal.SIGKILL)
        self._await_end()

    def destroy(self) -> None:
        with contextlib.suppress(OSError):  # what is frozen does not notice that the test has ended
            self.thaw()
        if self._supervisor is not None and self._supervisor.stdin is not None:
            self._supervisor.stdin.close()
            self._supervisor.wait(PATIENCE)
        for group in self._groups:
            cgroups.remove(group)
        shutil.rmtree(self._disk)
        for left in ("propagate", "unix-export"):  # nspawn's own, where /run is a disk
            shutil.rmtree(f"/run/systemd/nspawn/{left}/{self.name}", ignore_errors=True)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.destroy()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.destroy()

    def _spawn(self, notify: Path) -> subprocess.Popen[bytes]:
        nspawn = [
            "systemd-nspawn", "--boot", "--quiet", "--directory", str(self._disk / "root"),
            "--register=no", "--keep-unit", "--notify-ready=yes", "--console=pipe", "--private-network",
            "--machine", self.name, "--hostname", self._hostname,
            "--resolv-conf=off", "--timezone=off", "--link-journal=no",
            *(f"--bind-ro={path}" for path in self._binds),
        ]  # fmt: skip
        apart = ["unshare", "--pid", "--mount-proc", "--propagation=private", "--fork", "--kill-child"]
        environment = {
            "PATH": PATH,
            "NOTIFY_SOCKET": str(notify),
            "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": str(int(not self._limits)),
            "LOWER": ":".join(map(str, self._trees)),
            "DISK": str(self._disk),
            "CGROUPS": " ".join(map(str, self._groups)),
        }
        with (self._disk / "console").open("ab") as console:
            return subprocess.Popen(
                [*apart, "sh", "-c", SUPERVISOR, "supervisor", *nspawn],
                stdin=subprocess.PIPE,
                stdout=console,
                stderr=console,
                env=environment,
            )

    def _await_ready(self, ready: socket.socket) -> None:
        ready.settimeout(PATIENCE)
        assert self._supervisor is not None
        with selectors.DefaultSelector() as selector, _end_of(self._supervisor) as ended:
            selector.register(ready, selectors.EVENT_READ)
            selector.register(ended, selectors.EVENT_READ)
            while True:
                events = [key.fileobj for key, _ in selector.select(PATIENCE)]
                if ready not in events:
                    raise MachineError(f"it did not boot:\n{self._console()}")
                if "READY=1" in ready.recv(8192).decode().splitlines():
                    return

    def _await_end(self) -> int:
        assert self._supervisor is not None
        self._leader = 0
        code = self._supervisor.wait(PATIENCE)
        assert self._supervisor.stdin is not None
        self._supervisor.stdin.close()
        return code

    def _console(self) -> str:
        return (self._disk / "console").read_text(errors="replace")[-4000:]

    # -- inside -------------------------------------------------------------------------------

    def run(self, *argv: str, check: bool = True, user: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run a program inside, as root unless told, and wait for it; raises MachineError if it fails and `check`."""
        call = [*self._enter(), *(["runuser", "-u", user, "--"] if user else []), *argv]
        try:
            done = subprocess.run(
                call,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=PATIENCE,
                env=INSIDE,
                check=False,
            )
        except subprocess.TimeoutExpired as late:
            said = b"".join(one for one in (late.stdout, late.stderr) if isinstance(one, bytes)).decode(
                errors="replace"
            )
            raise MachineError(f"{argv}: still runs after {PATIENCE:.0f} s\n{said}") from None
        if check and done.returncode:
            raise MachineError(f"{argv}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def sh(self, script: str) -> str:
        """What a shell script prints; it ends at the first error, which is raised."""
        return self.run("sh", "-ec", script).stdout

    def path(self, inside: str) -> Path:
        """A path of the running machine as the host sees it, tmpfs included."""
        return Path(f"/proc/{self._leader}/root") / inside.lstrip("/")

    @property
    def network(self) -> Path:
        """Its network namespace, for programs of the host that are to use its network."""
        return Path(f"/proc/{self._leader}/ns/net")

    def write(self, inside: str, text: str, mode: int = 0o644) -> None:
        target = self.path(inside)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        target.chmod(mode)

    def journal(self, *matches: str) -> list[Entry]:
        """The entries there are now."""
        self.run("journalctl", "--sync")
        lines = self.run("journalctl", "--no-pager", "--quiet", "--output=json", *matches, check=False).stdout
        return [json.loads(line) for line in lines.splitlines()]

    def await_journal(self, *matches: str, count: int = 1) -> list[Entry]:
        """The first `count` entries that match, past or to come; raises MachineError if they do not come."""
        follow = ["journalctl", "--follow", "--no-tail", "--quiet", "--output=json", *matches]
        found: list[Entry] = []
        with subprocess.Popen([*self._enter(), *follow], stdout=subprocess.PIPE, env=INSIDE) as reader:
            try:
                found.extend(json.loads(line) for line in itertools.islice(_lines(reader), count))
            finally:
                reader.kill()
        if len(found) < count:
            raise MachineError(f"{len(found)} entries of {count} match {matches}:\n{self._told()}")
        return found

    # -- from outside -------------------------------------------------------------------------

    def freeze(self) -> None:
        """Stop all its processes where they are, as a suspend does; its clocks go on, and only `thaw` ends it."""
        (self._counted / "cgroup.freeze").write_text("1")

    def thaw(self) -> None:
        """Let them go on."""
        (self._counted / "cgroup.freeze").write_text("0")

    @property
    def leader(self) -> int:
        """The pid of its PID 1 on this host."""
        return self._leader

    def host_pid(self, inside: int) -> int:
        """What the host calls a process that has this pid in the machine."""
        processes = (self._leader, *_descendants(self._leader))
        return next(pid for pid in processes if _pids_by_namespace(str(pid))[-1] == str(inside))

    def cpu(self) -> float:
        """Seconds of CPU that all its processes have used since it was first started."""
        counted = (self._counted / "cpu.stat").read_text()
        return int(counted.split()[1]) / 1e6  # usage_usec comes first

    def _told(self) -> str:
        return self.run("journalctl", "--no-pager", "--quiet", "--lines=60", check=False).stdout

    def _enter(self) -> list[str]:
        return ["nsenter", "--target", str(self._leader), "--all", "--root", "--wd", "--"]


def _lines(reader: subprocess.Popen[bytes]) -> Iterator[bytes]:
    """Its lines as they come, for `PATIENCE` seconds in all."""
    assert reader.stdout is not None
    stream = reader.stdout.fileno()
    end = time.monotonic() + PATIENCE
    rest = b""
    with selectors.DefaultSelector() as selector:
        selector.register(stream, selectors.EVENT_READ)
        while selector.select(max(0.0, end - time.monotonic())):
            if not (chunk := os.read(stream, 65536)):
                return
            *lines, rest = (rest + chunk).split(b"\n")
            yield from lines


@contextlib.contextmanager
def _end_of(process: subprocess.Popen[bytes]) -> Iterator[int]:
    """A descriptor that becomes readable when the process ends."""
    descriptor = os.pidfd_open(process.pid)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _descendants(pid: int) -> Iterator[int]:
    for thread in Path(f"/proc/{pid}/task").iterdir():
        for child in map(int, (thread / "children").read_text().split()):
            yield child
            yield from _descendants(child)


def _pids_by_namespace(pid: str) -> list[str]:
    """A process's pid in each PID namespace from this one inwards."""
    status = Path(f"/proc/{pid}/status").read_text()
    return next(line for line in status.splitlines() if line.startswith("NSpid:")).split()[1:]


def _is_machines_init(pid: int) -> bool:
    """Whether it is PID 1 two namespaces further in: the supervisor's, then the machine's."""
    pids = _pids_by_namespace(str(pid))
    return len(pids) == len(_pids_by_namespace("self")) + 2 and pids[-1] == "1"
