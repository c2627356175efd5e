"""What a run prints, however much, however odd, and whoever else holds its pipes."""

import fcntl
import os
import resource
import sys
from collections.abc import Iterator
from dataclasses import replace

import pytest

from rocketd.core.model.run import Action, End
from rocketd.core.model.task import Command, OutputKind, Task
from rocketd.executor.process.executor import ProcessExecutor
from rocketd.executor.process.output import LINE_COST, UNLIMITED
from support.executor_harness import World, alive, new_world, shell


@pytest.fixture
def world() -> Iterator[World]:
    with new_world() as made:
        yield made


def python(code: str) -> Command:
    return Command((sys.executable, "-c", code))


def test_lines_are_told_while_the_run_goes_on(world: World) -> None:
    run = world.start(shell("echo begun; exec sleep 1000"))
    world.printed(run, "begun")
    assert world.executor.active_count == 1


def test_the_last_line_is_told_though_it_is_unfinished(world: World) -> None:
    run = world.start(shell("printf 'one\\ntwo'"))
    assert world.end(run).output == "one\ntwo"
    assert world.printed_lines(run) == ["one", "two"]


def test_lines_of_both_streams_stay_whole(world: World) -> None:
    code = "import os\nfor _ in range(1000): os.write(1, b'out out\\n'); os.write(2, b'err'); os.write(2, b' err\\n')"
    run = world.start(Task("job", python(code), separate_stderr=True))
    world.end(run)
    lines = world.printed_lines(run)
    assert (lines.count("out out"), lines.count("err err"), len(lines)) == (1000, 1000, 2000)


def test_both_streams_are_one_in_the_order_in_which_they_were_written(world: World) -> None:
    run = world.start(shell("for n in 1 3 5 7; do echo $n; echo $((n + 1)) >&2; done"))
    assert world.end(run).output == "1\n2\n3\n4\n5\n6\n7\n8\n"
    assert world.streams(run) == [("stdout", str(n)) for n in range(1, 9)]


def test_a_line_may_be_of_both_streams(world: World) -> None:
    run = world.start(shell("printf 'checking: '; echo no >&2"))
    assert world.end(run).output == "checking: no\n"
    assert world.printed_lines(run) == ["checking: no"]


def test_a_task_may_have_its_streams_told_apart(world: World) -> None:
    run = world.start(Task("job", shell("echo out; echo err >&2; echo out"), separate_stderr=True))
    assert sorted(world.end(run).output.split()) == ["err", "out", "out"]
    assert sorted(world.streams(run)) == [("stderr", "err"), ("stdout", "out"), ("stdout", "out")]


def test_terminal_escapes_and_broken_text_are_kept_as_data(world: World) -> None:
    run = world.start(shell(r"printf '\033]0;title\007\033[31mred\033[0m \377\n'"))
    world.end(run)
    assert world.printed_lines(run) == ["\x1b]0;title\x07\x1b[31mred\x1b[0m \\xff"]


def test_a_run_that_closes_its_outputs_goes_on(world: World) -> None:
    run = world.start(shell("echo x; exec >&- 2>&-; read line < /proc/$$/fd/0; exit 5"))
    end = world.end(run)
    assert (end.exit_code, end.output) == (5, "x\n")


def test_a_run_that_closes_its_outputs_is_still_stopped(world: World) -> None:
    run = world.start(shell("echo begun; exec >&- 2>&- sleep 1000"))
    world.printed(run, "begun")
    assert world.stopped(run).action is Action.TERMINATE


def test_the_tail_is_as_long_as_the_task_says(world: World) -> None:
    end = world.run(Task("job", shell("seq 100000"), output_tail=100))
    assert end.output.endswith("\n99999\n100000\n")
    first, rest = end.output.split("\n", 1)
    assert first == f"… {588895 - len(rest)} bytes omitted"
    assert len(rest) <= 100


# Somebody else holds the pipe


def test_a_grandchild_that_holds_the_pipe_holds_up_nothing(world: World) -> None:
    run = world.start(shell("echo $$; sleep 1000 & echo $!"))
    end = world.end(run)
    holder = int(end.output.split()[1])
    try:
        assert end.action is Action.SUCCESS
        assert end.message == "a background process still holds its output; anything it prints is discarded"
        assert alive(holder)
    finally:
        os.kill(holder, 9)


def test_a_grandchild_that_floods_the_pipe_holds_up_nothing(world: World) -> None:
    end = world.run(shell("yes & exit 4"))
    assert end.exit_code == 4


def test_all_that_was_in_the_pipe_is_read_though_a_grandchild_holds_it(world: World) -> None:
    code = f"""
import fcntl, os, subprocess
fcntl.fcntl(1, {fcntl.F_SETPIPE_SZ}, 1 << 20)
child = subprocess.Popen(["sleep", "1000"])
os.write(1, b"%d\\n" % child.pid + b"x" * 63 * 1024 + b"\\n" + b"y\\n" * 400_000)
"""
    run = world.start(Task("job", python(code), output_tail=2_000_000))
    end = world.end(run)
    os.kill(int(end.output.split("\n", 1)[0]), 9)
    assert end.output.count("y\n") == 400_000


# Floods


@pytest.mark.parametrize("lines", [20_000, 100_000])
def test_a_burst_is_told_to_its_last_line(world: World, lines: int) -> None:
    run = world.start(Command(("seq", str(lines))))
    end = world.end(run)
    assert world.printed_lines(run) == [str(number) for number in range(1, lines + 1)]
    assert end.message == ""


def test_bursts_of_several_runs_at_once_are_told_to_their_last_lines(world: World) -> None:
    runs = [world.start(shell("seq 20000; seq 20000 >&2")) for _ in range(4)]
    for run in runs:
        assert world.end(run).action is Action.SUCCESS
        assert world.printed_lines(run) == [str(number) for number in range(1, 20_001)] * 2


def test_a_flood_is_bounded_in_memory_and_marked(world: World) -> None:
    megabytes = 200
    loop = f"for _ in range({megabytes * 16}): os.write(1, block)"
    code = f"import os\nblock = b'a line of a flood\\n' * 3640\n{loop}\nprint('last')"
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    run = world.start(Task("job", python(code), output_limit=1024 * 1024))
    end = world.end(run)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    lines = world.printed_lines(run)
    told = lines.count("a line of a flood")
    left_out = int(lines[-1].split()[1])
    assert end.action is Action.SUCCESS
    assert end.output.endswith("a line of a flood\nlast\n")
    assert told + left_out == megabytes * 16 * 3640 + 1
    assert told == 1024 * 1024 // (len("a line of a flood\n") + LINE_COST)
    assert lines[told] == "… more than 1 MiB within a minute (output_limit): the rest is omitted here"
    assert len(lines) == told + 2
    assert end.message.startswith(f"the journal lacks {left_out} lines (")
    assert end.message.endswith(" of its output, beyond output_limit")
    assert grown < 32 * 1024  # KiB


def executor_of(world: World) -> ProcessExecutor:
    assert isinstance(world.executor, ProcessExecutor)
    return world.executor


def hold(world: World, *, hold: bool) -> None:
    world.call(executor_of(world).hold_output, hold)


def test_the_limit_is_the_daemons_where_the_task_says_nothing(world: World) -> None:
    executor_of(world).output_limit = 1024
    run = world.start(shell("seq 1000"))
    assert "beyond output_limit" in world.end(run).message
    run = world.start(Task("job", shell("seq 1000"), output_limit=UNLIMITED))
    assert world.end(run).message == ""


def test_output_is_not_read_while_it_is_held_and_then_it_is_all_there(world: World) -> None:
    hold(world, hold=True)
    printing = world.start(shell("seq 50000"))
    short = world.start(shell("echo x"))
    silent = world.start(Command(("true",)))
    assert (world.end(silent).action, world.end(silent).message) == (Action.SUCCESS, "")
    assert world.lines == []
    hold(world, hold=False)
    for run in (printing, short):
        assert world.end(run).message == ""
    assert world.printed_lines(printing) == [str(number) for number in range(1, 50_001)]
    assert world.printed_lines(short) == ["x"]


def test_who_is_told_nothing_for_long_holds_nobody_up(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rocketd.executor.process.executor.HOLD_LIMIT", 0.05)
    world.takes = False
    hold(world, hold=True)
    end = world.run(shell("seq 50000"))
    assert end.message == "the journal lacks 50000 lines of its output because it did not accept them"
    assert end.output.endswith("\n50000\n")


def test_a_flood_without_newlines_is_bounded_too(world: World) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    end = world.run(Task("job", shell("head -c 100000000 /dev/zero"), output_limit=1024 * 1024))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 32 * 1024
    assert end.output.endswith("\0" * 1000)
    assert end.message.endswith(" of its output, beyond output_limit")


def test_others_go_on_while_one_floods(world: World) -> None:
    flood = world.start(shell("exec yes"))
    for _ in range(20):
        assert world.run(shell("echo x")).output == "x\n"
    assert world.stopped(flood).action is Action.TERMINATE


def test_a_task_that_reads_from_its_own_pipe_does_not_stop_the_loop(world: World) -> None:
    thief = world.start(shell("cat /proc/$$/fd/1 > /dev/null & while :; do echo bait; done"))
    world.printed(thief, "bait")
    assert world.run(shell("echo x")).output == "x\n"
    assert world.stopped(thief).action is Action.TERMINATE


def test_a_run_that_prints_what_its_task_forbids_fails(world: World) -> None:
    def ended(script: str, *forbidden: OutputKind) -> End:
        command = replace(shell(script), fails_on=frozenset(forbidden))
        return world.end(world.start(Task("job", command, separate_stderr=OutputKind.STDERR in forbidden)))

    assert ended("echo fine", OutputKind.STDERR).action is Action.SUCCESS
    end = ended("echo fine; printf odd >&2", OutputKind.STDERR)
    assert (end.action, end.exit_code) == (Action.FAIL, 0)
    assert end.message == 'it printed on standard error, and fails_on has "stderr"'
    assert ended("printf odd", OutputKind.OUTPUT).action is Action.FAIL
    assert ended("exec >/dev/null; echo fine", OutputKind.OUTPUT).action is Action.SUCCESS


def test_output_is_forbidden_though_none_of_it_is_kept_or_logged(world: World) -> None:
    command = replace(shell("echo odd"), fails_on=frozenset({OutputKind.OUTPUT}))
    end = world.end(world.start(Task("job", command, output_tail=0, output_limit=0)))
    assert (end.action, end.output) == (Action.FAIL, "")
