"""What tasks print reaches the journal of a real host: all of it."""

from support.machines.administrator import await_end, give_task, history, lift_sandbox, printed
from support.machines.machine import Machine

TASKS = 3
LINES = 40_000

PRINTING = """
[task.count-{number}]
command = ["seq", "{lines}"]
when = "daily"
"""


def test_journald_keeps_every_line_of_tasks_that_print_much_at_once(machine: Machine) -> None:
    """Without a limit of our own in the unit, journald would keep some 37,500 of these 120,000."""
    tasks = "".join(PRINTING.format(number=number, lines=LINES) for number in range(TASKS))
    give_task(machine, "count", tasks)
    for number in range(TASKS):
        await_end(machine, f"count-{number}")
        assert printed(machine, f"count-{number}") == [str(line) for line in range(1, LINES + 1)]
    suppressed = machine.run("journalctl", "--quiet", "--grep=Suppressed", "--case-sensitive", check=False).stdout
    assert suppressed == ""


OUTPUT_FILE = """
[task.count]
command = ["seq", "{lines}"]
user = "backup"
when = "daily"
output_limit = 0
output_file = "/var/log/counts/{{task}}-{{number}}.log"
"""


def test_an_output_file_has_everything_and_is_its_users(machine: Machine) -> None:
    lift_sandbox(machine)
    machine.sh("install -d -o backup -g backup /var/log/counts")
    give_task(machine, "count", OUTPUT_FILE.format(lines=500_000))
    await_end(machine, "count")
    assert machine.sh("seq 500000 | cmp - /var/log/counts/count-1.log && echo same") == "same\n"
    assert machine.sh("stat -c '%U %G %a' /var/log/counts/count-1.log") == "backup backup 640\n"
    assert printed(machine, "count") == []


def test_a_stopped_journald_holds_up_no_process_for_long_and_what_it_lacks_is_recorded(machine: Machine) -> None:
    count = PRINTING.format(number=0, lines=100_000).replace("daily", "false")
    give_task(machine, "count", f'{count}executor = "process"\n')
    machine.run("systemctl", "kill", "--signal=STOP", "systemd-journald")
    done = machine.run("rocketctl", "run", "count-0", "--wait")
    assert done.stdout.splitlines() == [str(line) for line in range(1, 100_001)]
    message = done.stderr.removeprefix("rocketctl: count-0/1: success (").removesuffix(")\n")
    assert message.endswith(" lines of its output because it did not accept them")
    machine.run("systemctl", "kill", "--signal=CONT", "systemd-journald")
    (run,) = history(machine, "count-0")
    assert run["message"] == message
    await_end(machine, "count-0")
    assert len(printed(machine, "count-0")) + int(message.removeprefix("the journal lacks ").split()[0]) == 100_000
