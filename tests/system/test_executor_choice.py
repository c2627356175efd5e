"""What carries out runs by default, and that it makes no difference to what a task can say."""

import json
import re

from support.machines.administrator import give_task, history, lift_sandbox
from support.machines.machine import Machine

# Variables that tell runs apart, and those that systemd sets for each unit, are left out.
ENVIRONMENT = "env | grep -Ev '^(ROCKETD|INVOCATION_ID|JOURNAL_STREAM|MEMORY_PRESSURE|SYSTEMD)' | sort"
# glibc does what it likes with the signals 32 and 33.
NO_GLIBC = "sed -E 's/[01][08]([0-9a-f]{7})$/00\\\\1/'"
# How much a tail lacks is known of processes only.
OMITTED = re.compile("^… .* omitted$", re.MULTILINE)
# Each is run by a unit and by a process; what it prints, and how it ends, must be the same.
SAME = {
    "words": """command = ["printf", "[%s]", "", "a b", "%n", "$HOME", "é", "\\\\x41", ";", "*"]""",
    "shell": """command = "echo one; echo two >&2; exit 3"\nshell = true""",
    "script": """command = '''#!/usr/bin/python3
import sys
print("python", sys.argv[1:])
'''\nshell = true""",
    "lines": """command = '''
        cd /usr && pwd
        echo "$0" | grep -c /
    '''\nshell = true""",
    "input": """command = ["cat"]\nparameters = { text = "ü", number = 7 }""",
    "no-input": """command = ["wc", "-c"]""",
    "environment": f"""command = ["sh", "-c", "{ENVIRONMENT}"]
environment = {{ A = "1 2" }}\nuser = "backup" """,
    "root-environment": f"""command = ["sh", "-c", "{ENVIRONMENT}"]""",
    "files": """command = ["sh", "-c", "echo $FROM_FILE $MINE"]
environment_files = ["/srv/e", "-/srv/missing"]\nenvironment = { FROM_FILE = "no", MINE = "yes" }""",
    "who": """command = ["sh", "-c", "id; pwd; umask; nice"]\nuser = "backup"\numask = "0027"\nnice = 3""",
    "group": """command = ["id"]\nuser = "backup"\ngroup = "users" """,
    "root": """command = ["sh", "-c", "id; pwd; umask; nice; ulimit -n; ulimit -Hn"]""",
    "directory": """command = ["pwd"]\ndirectory = "/srv"\nuser = "backup" """,
    "limits": """command = ["sh", "-c", "ulimit -n; ulimit -Hn; ulimit -f; ulimit -c"]
limits = { nofile = 99, fsize = 51200, core = 0 }""",
    "zone": """command = ["date", "+%Z"]\ntimezone = "Asia/Tokyo" """,
    "codes": """command = ["sh", "-c", "exit 4"]\nsuccess_codes = [0, 4]""",
    "inaction": """command = ["sh", "-c", "exit 5"]\ninaction_codes = [5]""",
    "tail": """command = ["seq", "1000"]\noutput_tail = 50""",
    "signal": """command = ["sh", "-c", "kill -9 $$"]""",
    "timeout": """command = ["sleep", "1000"]\ntimeout = "200ms" """,
    "stubborn": """command = '''trap '' TERM; echo begun; while :; do sleep 0.1; done'''\nshell = true
timeout = "500ms"\nkill_grace = "300ms" """,
    "stop-when": """command = ["sleep", "1000"]\nstop_when = "running.more_than('200 ms')" """,
    "signals": f"""command = ["sh", "-c", "grep -E '^Sig(Blk|Ign|Cgt)' /proc/self/status | {NO_GLIBC}"]""",
    "missing": """command = ["/no/such/program"]""",
    "denied": """command = ["/etc/passwd"]\nuser = "backup" """,
    "no-directory": """command = ["pwd"]\ndirectory = "/no/such" """,
}
PROCESSES = {
    "function": """function = "os:getcwd" """,
    "on": """command = ["true"]\non = "shutdown" """,
    "output_limit": """command = ["true"]\noutput_limit = 0""",
    "output_file": """command = ["true"]\noutput_file = "/var/log/job" """,
    "separate_stderr": """command = ["true"]\nseparate_stderr = true""",
}
LONG = """
[task.long]
command = ["sh", "-c", "echo begun; sleep 1000"]

[task.asked]
command = ["cat", "/proc/self/cgroup"]
executor = "process"
"""
COMPARED = ("action", "cause", "exit_code", "signal", "message", "exc_text", "output")


def shown(machine: Machine, task: str) -> tuple[object, object]:
    task_object = json.loads(machine.run("rocketctl", "show", task, "--json").stdout)
    return task_object["executor"], task_object["executor_reason"]


def end(machine: Machine, task: str) -> dict[str, object]:
    """Run it, and return how that ended."""
    machine.run("rocketctl", "run", task, "--wait", check=False)
    (run,) = history(machine, task)
    return {**{key: run[key] for key in COMPARED}, "output": OMITTED.sub("…", str(run["output"]))}


def test_every_setting_means_the_same_to_a_unit_and_to_a_process(machine: Machine) -> None:
    lift_sandbox(machine)
    machine.write("/srv/e", "FROM_FILE='a file'\n")
    tasks = [
        f"[task.{name}-{kind}]\n{text}\nexecutor = '{kind}'\n"
        for name, text in SAME.items()
        for kind in ("unit", "process")
    ]
    give_task(machine, "same", "\n".join(tasks))
    machine.run("rocketctl", "check")
    differing = [
        (name, by_unit, by_process)
        for name in SAME
        if (by_unit := end(machine, f"{name}-unit")) != (by_process := end(machine, f"{name}-process"))
    ]
    assert not differing, "\n".join(map(str, differing))


def test_runs_of_a_system_service_are_units_but_for_those_that_cannot_be(machine: Machine) -> None:
    """And whatever the service is called, it stops before its runs do when the host goes down."""
    lift_sandbox(machine)
    tasks = "".join(f"[task.{name}]\n{text}\n" for name, text in PROCESSES.items())
    give_task(machine, "jobs", f"[task.plain]\ncommand = ['sh', '-c', 'cat /proc/self/cgroup']\n{tasks}")
    assert shown(machine, "plain") == ("unit", None)
    assert "/rocketd.slice/rocketd-plain-1.service" in machine.run("rocketctl", "run", "plain", "--wait").stdout
    found = json.loads(machine.run("rocketctl", "check", "--json").stdout)
    noted = {one["task"]: (one["severity"], one["message"]) for one in found}
    assert noted.keys() == PROCESSES.keys()
    for name in PROCESSES:
        reason = f"a unit of systemd cannot carry out a task with '{name}'"
        assert shown(machine, name) == ("process", reason)
        assert noted[name] == ("note", f"its runs are processes of rocketd, and end with it: {reason}")
    assert f"process: {reason}" in machine.run("rocketctl", "show", name).stdout

    machine.sh(
        "systemctl disable --now rocketd; mv /usr/lib/systemd/system/rocketd.service /etc/systemd/system/night.service;"
        "systemctl daemon-reload; systemctl start night"
    )
    machine.write("/etc/rocketd/long.toml", LONG)
    machine.run("systemctl", "reload", "night")
    machine.run("rocketctl", "run", "long")
    machine.await_journal("ROCKETD_TASK=long", "MESSAGE=begun")
    before = machine.run("systemctl", "show", "--property=Before", "--value", "rocketd-long-1").stdout
    assert "night.service" in before.split()
    assert "/night.service" in machine.run("rocketctl", "run", "asked", "--wait").stdout
