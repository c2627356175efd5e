"""What a run's process finds around itself, and what is said when it cannot be started."""

import gc
import json
import os
import pwd
import re
import resource
import signal
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from rocketd.core.model.events import Finished, Report, Spawned, Withdrawn
from rocketd.core.model.run import Action, Run, Trigger
from rocketd.core.model.task import Command, Function, Identity, Limit, Surroundings, Task
from rocketd.executor.process.environment import own_identity
from rocketd.executor.process.executor import ProcessExecutor
from rocketd.executor.process.process_files import current_start_time, start_time
from rocketd.executor.process.run_supervisor import RunSupervisor
from rocketd.executor.process.spawner import raise_open_files
from support.executor_harness import Output, RealClock, World, new_world, shell

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")


@pytest.fixture
def world() -> Iterator[World]:
    with new_world() as made:
        yield made


def python(code: str) -> Command:
    return Command((sys.executable, "-c", code))


def inside(command: Command, around: Surroundings) -> Command:
    return replace(command, surroundings=around)


def printed(world: World, work: Command | Task) -> list[str]:
    """Run it; the lines that it printed."""
    end = world.run(work)
    assert end.action is Action.SUCCESS, end
    return end.output.splitlines()


def open_descriptors() -> list[str]:
    return sorted(path.name for path in Path("/proc/self/fd").iterdir())


def nobody() -> Identity:
    entry = pwd.getpwnam("nobody")
    return Identity(entry.pw_uid, entry.pw_gid, (entry.pw_gid,), "nobody", entry.pw_dir, entry.pw_shell)


# Descriptors, signals, session


def test_a_process_gets_its_three_descriptors_and_none_of_the_daemons(tmp_path: Path) -> None:
    leaky = os.open(tmp_path, os.O_RDONLY)
    os.set_inheritable(leaky, True)  # noqa: FBT003 - its signature
    try:
        with new_world() as world:
            assert printed(world, shell("ls /proc/$$/fd")) == ["0", "1", "2"]
    finally:
        os.close(leaky)


def test_many_at_once_get_none_of_each_others_descriptors(world: World) -> None:
    runs = [world.start(shell("ls /proc/$$/fd")) for _ in range(20)]
    assert {world.end(run).output for run in runs} == {"0\n1\n2\n"}


def test_no_descriptor_stays_open_in_the_daemon(world: World) -> None:
    world.run(shell("true"))
    before = open_descriptors()
    for work in (shell("echo x"), Command(("/missing",)), Command(("cat",), stdin="x"), Function("os:getpid")):
        world.run(work)
    world.stopped(world.start(shell("sleep 1000")))
    assert open_descriptors() == before


def test_nothing_of_a_run_is_left_for_the_collector_of_cycles(world: World) -> None:
    """It may be told to leave alone whatever is there, garbage included, as after a reload."""
    gc.disable()
    try:
        for work in (shell("echo x"), shell("sleep 0.2 & echo held"), Command(("/missing",)), Function("os:getpid")):
            world.run(work)
        world.stopped(world.start(shell("sleep 1000")))
        world.run(shell("true"))
        assert [one.run.task for one in gc.get_objects() if isinstance(one, RunSupervisor)] == []
    finally:
        gc.enable()


@pytest.mark.parametrize("work", [shell("exit 0"), Command(("/no/such/program",))])
def test_a_rehearsal_starts_nothing_and_leaves_nothing_open(world: World, work: Command) -> None:
    executor = world.executor
    assert isinstance(executor, ProcessExecutor)
    opened = len([*Path("/proc/self/fd").iterdir()])
    for surroundings in (Surroundings(), Surroundings(nice=5)):
        executor.rehearse(Task("job", replace(work, surroundings=surroundings)), RealClock().now())
    assert len([*Path("/proc/self/fd").iterdir()]) == opened
    assert executor.active_count == 0
    run = world.start(shell("exit 0"))
    world.end(run)
    assert [type(event) for event in world.events] == [Spawned, Finished]


def test_stdin_is_empty(world: World) -> None:
    assert printed(world, shell("cat; readlink /proc/$$/fd/0")) == ["/dev/null"]


def test_stdin_holds_the_parameters_however_large(world: World) -> None:
    parameters = json.dumps({"key": "ä" * 1_000_000})
    [size] = printed(world, Command(("wc", "-c"), stdin=parameters))
    assert int(size) == len(parameters.encode())


def test_signals_are_a_fresh_processs(world: World) -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR2})
    old = signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    try:
        lines = printed(world, Command(("cat", "/proc/self/status")))
    finally:
        signal.signal(signal.SIGUSR1, old)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGUSR2})
    found = {
        name: int(mask, 16)
        for name, mask in (line.split() for line in lines if line.startswith("Sig") and "/" not in line)
    }
    glibcs_own = 0b11 << 31  # 32 and 33: every program of glibc sets them for itself
    assert (found["SigBlk:"], found["SigIgn:"] & ~glibcs_own, found["SigCgt:"]) == (0, 0, 0)


def test_it_leads_a_session_and_a_group_of_its_own_without_terminal(world: World) -> None:
    code = "import os; print(os.getpid() == os.getsid(0) == os.getpgid(0), flush=True); os.open('/dev/tty', os.O_RDWR)"
    end = world.run(python(code))
    assert end.output.splitlines()[0] == "True"
    assert "No such device or address" in end.output


def test_its_start_time_is_what_proc_says(world: World) -> None:
    runs = [world.start(shell("sleep 1000")) for _ in range(10)]
    for run in runs:
        [spawned] = [event for event in world.events if event.run == run]
        assert getattr(spawned, "pid_start", None) == start_time(world.pid(run))


def test_ticks_of_now_are_those_of_the_kernel() -> None:
    before = current_start_time()
    pid = os.posix_spawn("/bin/true", ["true"], {})
    after = current_start_time()
    assert before <= start_time(pid) <= after
    os.waitpid(pid, 0)


def test_the_runtime_spans_the_life_of_the_process(world: World) -> None:
    clock = RealClock()
    before = clock.monotonic()
    end = world.run(shell("true"))
    assert 0 < end.runtime <= clock.monotonic() - before


def test_exit_codes_are_known_though_the_daemon_was_started_with_sigchld_ignored() -> None:
    old = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        with new_world() as world:
            assert world.run(shell("exit 3")).exit_code == 3
    finally:
        signal.signal(signal.SIGCHLD, old)


def test_a_run_whose_exit_status_somebody_else_took_has_failed(world: World) -> None:
    run = world.start(shell("exec sleep 1000"))
    os.kill(world.pid(run), signal.SIGKILL)
    os.waitpid(world.pid(run), 0)
    end = world.end(run)
    assert (end.action, end.exit_code, end.signal) == (Action.FAIL, None, None)
    assert end.message == "exit status unknown: another waiter reaped the process"


def test_threads_that_were_there_before_do_not_see_where_runs_are_started(tmp_path: Path) -> None:
    with ThreadPoolExecutor(1) as before:
        place = before.submit(os.getcwd).result()
        with new_world() as world:
            os.chdir(tmp_path)  # as the executor does for each run
            try:
                assert before.submit(os.getcwd).result() == place
            finally:
                os.chdir(place)
            world.run(shell("true"))


# Environment


def environment(world: World, task: Task) -> dict[str, str]:
    return dict(line.split("=", 1) for line in printed(world, task))


def test_the_environment_is_clean(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NOTIFY_SOCKET", "WATCHDOG_USEC", "LISTEN_FDS", "CREDENTIALS_DIRECTORY", "ANYTHING"):
        monkeypatch.setenv(name, "the daemon's")
    found = environment(world, Task("job", Command(("env",))))
    own = {name for name in found if not name.startswith("ROCKETD_")}
    assert own == {"PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG"}
    assert (found["USER"], found["HOME"]) == (own_identity().name, own_identity().home)


def test_a_run_knows_which_it_is(world: World) -> None:
    task = Task("job", Command(("env",)))
    due = 1_600_000_000_123_456
    run = Run("job", 7, "an-id", 2, due, due, Trigger.RETRY, "", cause_task="other", cause_run_id="its")
    world.call(world.executor.start, task, run)
    found = dict(line.split("=", 1) for line in world.end(run).output.splitlines())
    assert {name: value for name, value in found.items() if name.startswith("ROCKETD_")} == {
        "ROCKETD_TASK": "job",
        "ROCKETD_RUN_ID": "an-id",
        "ROCKETD_NUMBER": "7",
        "ROCKETD_ATTEMPT": "2",
        "ROCKETD_DUE": "2020-09-13T12:26:40.123456Z",
        "ROCKETD_CAUSE_TASK": "other",
        "ROCKETD_CAUSE_RUN_ID": "its",
    }


def test_a_tasks_own_variables_are_put_on_top(world: World, tmp_path: Path) -> None:
    file = tmp_path / "variables"
    file.write_text("B=of the file\nC='of the file'\nROCKETD_TASK=forged\n")
    around = Surroundings(
        environment=(("A", "of the task"), ("B", "of the task"), ("PATH", "/usr/bin:/bin")),
        environment_files=(str(file), f"-{tmp_path}/missing"),
        timezone="Europe/Berlin",
    )
    found = environment(world, Task("job", inside(Command(("env",)), around)))
    assert (found["A"], found["B"], found["C"]) == ("of the task", "of the file", "of the file")
    assert (found["PATH"], found["TZ"], found["ROCKETD_TASK"]) == ("/usr/bin:/bin", "Europe/Berlin", "job")


def test_an_environment_file_is_read_at_each_start(world: World, tmp_path: Path) -> None:
    file = tmp_path / "variables"
    task = Task("job", inside(shell("echo $A"), Surroundings(environment_files=(str(file),))))
    for value in ("1", "2"):
        file.write_text(f"A={value}\n")
        assert printed(world, task) == [value]


# Directory, umask, priority, limits, user


def test_it_runs_in_its_directory_and_the_daemon_stays_in_its_own(world: World, tmp_path: Path) -> None:
    before = Path.cwd()
    assert printed(world, inside(shell("pwd"), Surroundings(directory=str(tmp_path)))) == [str(tmp_path)]
    assert Path.cwd() == before


def test_it_runs_in_the_users_home_unless_told(world: World, tmp_path: Path) -> None:
    identity = replace(own_identity(), home=str(tmp_path))
    assert printed(world, inside(shell("pwd"), Surroundings(identity=identity))) == [str(tmp_path)]


def test_it_runs_in_the_root_where_the_user_has_no_home(world: World) -> None:
    identity = replace(own_identity(), home="/nonexistent")
    assert printed(world, inside(shell("pwd"), Surroundings(identity=identity))) == ["/"]


def test_it_has_its_umask_and_the_daemon_keeps_its_own(world: World) -> None:
    before = os.umask(0o027)
    assert printed(world, inside(shell("umask"), Surroundings(umask=0o077))) == ["0077"]
    assert printed(world, shell("umask")) == ["0022"]
    assert os.umask(before) == 0o027


def test_it_has_its_priority(world: World) -> None:
    base = os.getpriority(os.PRIO_PROCESS, 0)
    assert printed(world, inside(shell("nice"), Surroundings(nice=base + 3))) == [str(base + 3)]


@needs_root
def test_root_may_raise_its_priority_for_another_user(world: World) -> None:
    around = Surroundings(identity=nobody(), nice=-3)
    assert printed(world, inside(shell("nice; id -u"), around)) == ["-3", str(nobody().uid)]


def test_it_has_its_limits(world: World) -> None:
    limits = (Limit(resource.RLIMIT_NOFILE, 100, 200), Limit(resource.RLIMIT_CORE, 0, -1))
    work = inside(shell("ulimit -Sn; ulimit -Hn; ulimit -Sc; ulimit -Hc"), Surroundings(limits=limits))
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    assert printed(world, work) == ["100", "200", "0", "unlimited" if hard == resource.RLIM_INFINITY else str(hard)]


@pytest.mark.parametrize("few", [1024, 100], ids=["plenty", "hardly more than the daemon has open"])
def test_it_gets_the_limit_of_open_files_that_the_daemon_had_before_it_raised_its_own(few: int) -> None:
    def make(report: Report, output: Output) -> ProcessExecutor:
        return ProcessExecutor(report, output, clock=RealClock(), open_files=raise_open_files())

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (few, hard))
    try:
        with new_world(make) as world:
            assert resource.getrlimit(resource.RLIMIT_NOFILE) == (hard, hard)
            run = world.start(shell("sleep 1000"))
            assert resource.prlimit(world.pid(run), resource.RLIMIT_NOFILE) == (few, hard)
            own = inside(shell("ulimit -Sn"), Surroundings(limits=(Limit(resource.RLIMIT_NOFILE, 90, 200),)))
            assert printed(world, own) == ["90"]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@needs_root
def test_a_user_gets_a_logins_ids_and_groups_and_no_privilege(world: World) -> None:
    identity = replace(nobody(), groups=(10, 11))
    work = inside(
        shell("grep -E '^(Uid|Gid|Groups|CapInh|CapPrm|CapEff|CapAmb)' /proc/self/status; echo $USER"),
        Surroundings(identity=identity),
    )
    found = [line.split() for line in printed(world, work)]
    uid, gid = str(identity.uid), str(identity.gid)
    assert found[0] == ["Uid:", uid, uid, uid, uid]
    assert found[1] == ["Gid:", gid, gid, gid, gid]
    assert found[2] == ["Groups:", "10", "11", gid]
    assert {word for line in found[3:7] for word in line[1:]} == {"0000000000000000"}
    assert found[7] == ["nobody"]


@needs_root
def test_a_user_gets_no_descriptor_of_the_daemon_through_the_launcher(world: World) -> None:
    around = Surroundings(identity=nobody(), nice=5, limits=(Limit(resource.RLIMIT_CORE, 0, 0),))
    assert printed(world, inside(shell("ls /proc/$$/fd"), around)) == ["0", "1", "2"]


@needs_root
def test_what_a_users_program_prints_and_how_it_ends_is_told_as_it_is(world: World) -> None:
    run = world.start(inside(shell("echo here; exit 126"), Surroundings(identity=nobody())))
    end = world.end(run)
    assert (end.exit_code, end.message, world.printed_lines(run)) == (126, "", ["here"])


# What cannot be started


def trouble(world: World, work: Command | Function) -> str:
    end = world.run(work)
    assert (end.action, end.exit_code) == (Action.FAIL, None)
    return end.message


LAUNCHED = Surroundings(nice=7)
both_ways = pytest.mark.parametrize("around", [Surroundings(), LAUNCHED], ids=["directly", "by the launcher"])


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory in which nobody else can put anything: what is there may be started directly."""
    with TemporaryDirectory(dir=Path.home()) as made:
        yield Path(made)


def program(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    path.chmod(0o755)
    return path


@both_ways
def test_a_program_that_is_missing_is_named(world: World, around: Surroundings) -> None:
    assert trouble(world, inside(Command(("/no/such",)), around)) == "cannot start: /no/such: No such file or directory"
    message = trouble(world, inside(Command(("no-such",)), around))
    assert message.startswith("cannot start: no-such: not found in /usr/local/sbin:")


@both_ways
def test_a_file_that_is_no_program_is_named(world: World, place: Path, around: Surroundings) -> None:
    file = place / "text"
    file.write_text("just text")
    for target, mode in ((file, "-rw-r--r--"), (place, "drwx------")):
        message = trouble(world, inside(Command((str(target),)), around))
        assert message == f"cannot start: {target}: Permission denied (it is {mode})"


@both_ways
def test_a_script_without_interpreter_is_told_from_a_missing_script(
    world: World, place: Path, around: Surroundings
) -> None:
    script = program(place / "script", "#!/no/such/interpreter -x\n")
    message = trouble(world, inside(Command((str(script),)), around))
    assert message == f"cannot start: {script}: its interpreter /no/such/interpreter does not exist"


@both_ways
def test_a_script_with_the_line_ends_of_windows_is_told(world: World, place: Path, around: Surroundings) -> None:
    script = program(place / "script", "#!/bin/sh\r\necho x\r\n")
    message = trouble(world, inside(Command((str(script),)), around))
    why = "its interpreter '/bin/sh\\r' does not exist: the file has Windows line endings"
    assert message == f"cannot start: {script}: {why}"


@both_ways
def test_an_interpreter_without_interpreter_is_named(world: World, place: Path, around: Surroundings) -> None:
    inner = program(place / "inner", "#!/no/such\n")
    script = program(place / "script", f"#! {inner} x\n")
    message = trouble(world, inside(Command((str(script),)), around))
    assert message == f"cannot start: {script}: its interpreter /no/such does not exist"


@both_ways
def test_a_binary_without_its_loader_is_told_from_a_missing_one(
    world: World, place: Path, around: Surroundings
) -> None:
    binary = Path("/bin/true").read_bytes()
    loader = next(name for name in re.findall(rb"/lib[\w./-]*/ld-[\w.-]+", binary))
    copy = program(place / "copy", binary.replace(loader, b"/gone" + loader[5:]))
    message = trouble(world, inside(Command((str(copy),)), around))
    assert message == f"cannot start: {copy}: its interpreter /gone{loader[5:].decode()} does not exist"


@both_ways
@pytest.mark.parametrize(
    ("content", "hint"),
    [
        (b"echo x\n", " (a script needs a first line like #!/bin/sh)"),
        (b"\xef\xbb\xbf#!/bin/sh\n", " (the file begins with a byte order mark; remove it)"),
        (b"\x7fELF\1\1", ""),
        (b"", " (a script needs a first line like #!/bin/sh)"),
    ],
)
def test_a_file_that_cannot_be_executed_is_told(
    world: World, place: Path, around: Surroundings, content: bytes, hint: str
) -> None:
    file = program(place / "file", content)
    message = trouble(world, inside(Command((str(file),)), around))
    assert message == f"cannot start: {file}: Exec format error{hint}"


@both_ways
def test_an_interpreter_that_is_no_program_is_named(world: World, place: Path, around: Surroundings) -> None:
    script = program(place / "script", "#!/\n")
    message = trouble(world, inside(Command((str(script),)), around))
    assert message == f"cannot start: {script}: its interpreter /: Permission denied (it is drwxr-xr-x)"


@needs_root
def test_a_program_that_only_root_may_execute_fails_for_another_user(world: World, tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text("#!/bin/sh\n")
    script.chmod(0o700)
    end = world.run(inside(Command((str(script),)), Surroundings(identity=nobody())))
    assert (end.action, end.message) == (Action.FAIL, f"cannot start: {script}: Permission denied")


def test_a_directory_that_is_missing_is_named(world: World) -> None:
    message = trouble(world, inside(shell("true"), Surroundings(directory="/no/such")))
    assert message == "cannot start: directory /no/such: No such file or directory"
    assert printed(world, inside(shell("umask; pwd"), Surroundings(directory="/usr"))) == ["0022", "/usr"]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"A='open", "a ' is not closed"),
        (b"A=\xff", "not UTF-8: byte 0xff at position 2"),
        (b"A=\0", "NUL byte"),
        (b"A" * 2_000_000, "larger"),
    ],
)
def test_an_environment_file_that_cannot_be_used_is_named(
    world: World, tmp_path: Path, content: bytes, why: str
) -> None:
    file = tmp_path / "variables"
    file.write_bytes(content)
    message = trouble(world, inside(shell("true"), Surroundings(environment_files=(str(file),))))
    assert message.startswith(f"cannot start: environment file {file}: ")
    assert why in message


def test_an_environment_file_that_is_missing_or_no_file_is_named(world: World, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name, why in (("missing", "No such file or directory"), ("pipe", "not a regular file")):
        message = trouble(world, inside(shell("true"), Surroundings(environment_files=(f"{tmp_path}/{name}",))))
        assert message == f"cannot start: environment file {tmp_path}/{name}: {why}"


def test_an_argument_that_no_program_can_have_is_a_sentence(world: World) -> None:
    assert trouble(world, Command(("/bin/echo", "a\0b"))) == "cannot start: /bin/echo: embedded null byte"
    assert "Argument list too long" in trouble(world, Command(("/bin/echo", "x" * 3_000_000)))


@pytest.fixture
def _no_gaps() -> Iterator[None]:
    """Take the free descriptors below the highest one: a limit allows those as well."""
    highest = max(int(name) for name in open_descriptors() if Path("/proc/self/fd", name).exists())
    with ExitStack() as stack:
        while (descriptor := os.open(os.devnull, os.O_RDONLY)) < highest:
            stack.callback(os.close, descriptor)
        os.close(descriptor)
        yield


@pytest.mark.usefixtures("_no_gaps")
def test_where_a_daemon_has_no_descriptors_nothing_of_a_run_has_happened(world: World, tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    in_use = len(open_descriptors())
    begun = tmp_path / "begun"
    outcomes: set[str] = set()
    for few in range(in_use - 1, in_use + 7):
        begun.unlink(missing_ok=True)
        resource.setrlimit(resource.RLIMIT_NOFILE, (few, hard))
        try:
            outcome = world.outcome(world.start(replace(shell(f"touch {begun}"), stdin="x" * 100_000)))
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        if isinstance(outcome, Withdrawn):
            assert not begun.exists()
            assert outcome.shared
            assert outcome.reason.endswith("Too many open files")
        else:
            assert outcome.end.action is Action.SUCCESS
        outcomes.add(type(outcome).__name__)
    assert outcomes == {"Withdrawn", "Finished"}
    assert world.run(shell("exit 0")).action is Action.SUCCESS
    assert len(open_descriptors()) == in_use
