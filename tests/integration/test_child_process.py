"""Calls in child processes: forked by a server that has the libraries, with nothing of the program's own state."""

import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from socket import AF_UNIX, SOCK_SEQPACKET, socketpair

import pytest

from rocketd.executor.inprocess.fork_server import READY, UNUSABLE

PROGRAM = """
import gc, os, sys, threading
from rocketd import Rocketd
from rocketd.args import Return
from rocketd.conds import after_all_success, after_finish, daily

app = Rocketd(config={"restart_delay": 0, "execution": "process"})
imported = [os.getpid()]
lock = threading.Lock()


@app.task(daily)
def first():
    assert gc.isenabled()
    imported.append(0)
    return imported, os.environ["SINCE"], os.getsid(0) == os.getpid(), os.getppid()


@app.task(after_finish("first"))
def second():
    imported.append(0)
    return imported, os.environ["SINCE"], os.getsid(0) == os.getpid(), os.getppid()


@app.task(after_finish("second"), execution="main")
def stop():
    app.session.shut_down()


os.environ["SINCE"] = "the start"
lock.acquire()  # by a thread that no child has
app.run()
if imported == [os.getpid()] and __name__ == "__main__":
    first, second = app.session.returns["first"], app.session.returns["second"]
    assert first[0][1:] == second[0][1:] == [0], "each child has imported the program anew"
    assert len({os.getpid(), first[0][0], second[0][0]}) == 3
    assert first[1:3] == second[1:3] == ("the start", True)
    assert first[3] == second[3] != os.getpid(), "both have the same parent, which is the server"
    print("good")
"""


def test_each_child_imports_the_program_anew_and_sees_its_environment(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    call = [sys.executable, "-W", "error", str(program)]
    done = subprocess.run(call, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "good\n", "")


MANY_MODULES = """
import sys, types
from rocketd.executor.inprocess import fork_server_client as client
for number in range(10_000):
    name = f"a_library.with_a_long_name.number_{number}"
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__file__ = client._LIBRARIES[0]
"""
STARTS_A_PROCESS = """
from pathlib import Path
from rocketd.executor.inprocess import fork_server_client as client
client._LIBRARIES += (str(Path(__file__).parent / "library"),)
import sys
sys.path.append(client._LIBRARIES[-1])
import starts_a_process
"""


@pytest.mark.parametrize("libraries", [MANY_MODULES, STARTS_A_PROCESS], ids=["many", "one that starts a process"])
def test_one_server_serves_whatever_libraries_there_are(libraries: str, tmp_path: Path) -> None:
    library = tmp_path / "library" / "starts_a_process.py"
    library.parent.mkdir()
    library.write_text("import subprocess\nstarted = subprocess.Popen(['true'])")
    program = tmp_path / "program.py"
    program.write_text(libraries + PROGRAM)
    call = [sys.executable, str(program)]
    done = subprocess.run(call, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "good\n", "")


def served(modules: list[str], path: Path) -> bytes:
    """What a fork server answers that is to import these modules."""
    ours, theirs = socketpair(AF_UNIX, SOCK_SEQPACKET)
    code = f"""
        import sys
        sys.path.insert(0, {str(path)!r})
        from rocketd.executor.inprocess import fork_server
        fork_server.main({theirs.fileno()}, None)
    """
    call = [sys.executable, "-c", textwrap.dedent(code)]
    with ours, subprocess.Popen(call, stdin=subprocess.PIPE, pass_fds=[theirs.fileno()]) as server:
        theirs.close()
        ours.settimeout(30)
        assert server.stdin is not None
        server.stdin.write(f"{json.dumps(modules)}\n".encode())
        server.stdin.close()
        answer = ours.recv(len(UNUSABLE))
        ours.close()
        server.wait(timeout=30)
    return answer


@pytest.mark.parametrize(
    ("library", "answer"),
    [
        ("import threading, time\nthreading.Thread(target=time.sleep, args=(60,), daemon=True).start()", UNUSABLE),
        ("raise SystemExit(3)", READY),
        ("import nothing_of_that_name", READY),
        ("", READY),
    ],
    ids=["starts a thread", "exits", "cannot be imported", "quiet"],
)
def test_a_server_with_threads_forks_nothing(library: str, answer: bytes, tmp_path: Path) -> None:
    """Who cannot be imported is told by the child that needs it. The server ends with its program."""
    (tmp_path / "some_library.py").write_text(library)
    assert served(["some_library"], tmp_path) == answer


def test_children_go_on_where_no_server_can_be(tmp_path: Path) -> None:
    """They are interpreters of their own then."""
    program = tmp_path / "program.py"
    before = (
        "from rocketd.executor.inprocess import fork_server_client as client\nclient._PROGRAM = 'raise SystemExit(1)'\n"
    )
    own = PROGRAM.replace("first[3] == second[3] != os.getpid()", "first[3] == second[3] == os.getpid()")
    program.write_text(before + own)
    call = [sys.executable, str(program)]
    done = subprocess.run(call, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "good\n"), done.stderr


def test_a_server_that_is_killed_fails_what_runs_and_nothing_later(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        textwrap.dedent("""
            import os, signal
            from rocketd import Rocketd
            from rocketd.conds import after_finish, daily

            app = Rocketd(config={"restart_delay": 0, "execution": "process"})

            @app.task(daily)
            def kills_the_server():
                os.kill(os.getppid(), signal.SIGKILL)
                signal.pause()

            @app.task(after_finish("kills_the_server"))
            def later():
                return "ran"

            @app.task(after_finish("later"), execution="main")
            def stop():
                app.session.shut_down()

            if __name__ == "__main__":
                app.run()
                print(app.session["kills_the_server"].status, app.session.returns["later"])
        """)
    )
    call = [sys.executable, str(program)]
    done = subprocess.run(call, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "fail ran\n"), done.stderr


def test_nothing_is_left_when_the_program_is_killed(tmp_path: Path) -> None:
    """Neither a child nor the server."""
    program = tmp_path / "program.py"
    program.write_text(
        textwrap.dedent("""
            import os, signal
            from rocketd import Rocketd
            from rocketd.conds import daily

            app = Rocketd(config={"execution": "process"})

            @app.task(daily)
            def waits():
                print(os.getpid(), os.getppid(), flush=True)
                signal.pause()

            if __name__ == "__main__":
                app.run()
        """)
    )
    call = [sys.executable, str(program)]
    with subprocess.Popen(call, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        pids = [int(word) for word in running.stdout.readline().split()]
        ends = [os.pidfd_open(pid) for pid in pids]
        running.send_signal(signal.SIGKILL)
        assert running.stdout.read() == ""  # until the last one that could write has ended
    for end in ends:
        os.close(end)
