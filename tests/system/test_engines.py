"""Runs that are handed off by the package, installed and booted: to Slurm of Debian, and over ssh to systemd.

It takes minutes, and a Debian tree of its own: `make engines`.
"""

import json
import os
import re
from collections.abc import Iterator

import pytest

from support.machines import debian_trees
from support.machines.administrator import await_end, give_task, history
from support.machines.machine import Machine

pytestmark = pytest.mark.skipif("ROCKETD_ENGINES" not in os.environ, reason="takes minutes: make engines")

ADDRESS = "10.99.99.1"
SLURM = """\
ClusterName=engines
SlurmctldHost={host}({address})
AuthType=auth/munge
SlurmUser=root
SlurmdUser=root
StateSaveLocation=/var/lib/slurm/slurmctld
SlurmdSpoolDir=/var/lib/slurm/slurmd
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
MpiDefault=none
ReturnToService=2
SchedulerParameters=defer,sched_interval=1,batch_sched_delay=0
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
NodeName={host} NodeAddr={address} CPUs=16 RealMemory=1000 State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP OverSubscribe=FORCE:8
SlurmdParameters=config_overrides
"""
# A network, as Slurm resolves no names with the loopback interface alone; a controller, a node, an SSH server, a key.
PREPARE = """
ip link add slurm0 type veth peer name slurm1
ip addr add {address}/24 dev slurm0
ip link set slurm0 up
ip link set slurm1 up
echo {address} {host} >>/etc/hosts
echo CgroupPlugin=cgroup/v1 >/etc/slurm/cgroup.conf
mkdir -p /var/lib/slurm/slurmctld /var/lib/slurm/slurmd /root/.ssh
systemctl restart munge slurmctld slurmd
ssh-keygen -q -t ed25519 -N '' -f /root/.ssh/id_ed25519
cp /root/.ssh/id_ed25519.pub /root/.ssh/authorized_keys
systemctl restart ssh
for i in $(seq 100); do ssh-keyscan -t ed25519 127.0.0.1 >/root/.ssh/known_hosts 2>/dev/null && break; sleep 0.1; done
for i in $(seq 100); do [ "$(sinfo --noheader --format=%T)" = idle ] && break; sleep 0.2; done
sinfo --noheader --format=%T
"""
# In front of sbatch: it kills rocketd once, after the job is submitted, or before, and submits it late.
KILLER = """#!/bin/sh
kill_rocketd() {{ rm /run/killer; kill -KILL "$(systemctl show rocketd --property=MainPID --value)"; }}
[ "$(cat /run/killer 2>/dev/null)" = late ] && kill_rocketd && sleep 0.3
if [ "$(cat /run/killer 2>/dev/null)" = after ]; then
    /usr/bin/sbatch "$@" >/run/answer; code=$?
    kill_rocketd
    cat /run/answer
    exit $code
fi
exec /usr/bin/sbatch "$@"
"""
ENGINES = {
    "slurm": 'engine = "slurm"\nslurm = { partition = "main" }\n',
    "ssh": 'engine = "ssh"\nssh = { host = "root@127.0.0.1" }\n',
}


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """One boot for all: a host with rocketd, a cluster with one node, and another host, all in one machine."""
    top = tmp_path_factory.mktemp("engines")
    tree, layer = debian_trees.bare("bookworm", "engines"), top / "layer"
    layer.mkdir()
    installed = debian_trees.install(tree, debian_trees.package("bookworm"), layer)
    with Machine(top / "disk", installed, tree) as machine:
        host = machine.run("uname", "-n").stdout.strip()
        machine.write("/etc/slurm/slurm.conf", SLURM.format(host=host, address=ADDRESS))
        assert machine.sh(PREPARE.format(host=host, address=ADDRESS)).strip() == "idle"
        machine.write("/usr/local/sbin/sbatch", KILLER.format(), mode=0o755)
        yield machine


def give(machine: Machine, name: str, engine: str, script: str, more: str = "") -> None:
    """Load a task that says that it has begun, and then does this."""
    command = json.dumps(["/bin/sh", "-c", f'echo "$ROCKETD_JOB" >>/var/tmp/begun-{name}; {script}'])
    text = (
        f'[task.{name}]\ncommand = {command}\ndirectory = "/var/tmp"\nengine_interval = "1s"\n{ENGINES[engine]}{more}'
    )
    give_task(machine, name, text)


def begun(machine: Machine, name: str) -> list[str]:
    """The names of the jobs that have begun, each as often as that."""
    return machine.sh(f"cat /var/tmp/begun-{name} 2>/dev/null || true").split()


@pytest.mark.parametrize("engine", ["slurm", "ssh"])
def test_the_end_of_a_job_is_the_end_of_its_run(machine: Machine, engine: str) -> None:
    give(machine, f"end-{engine}", engine, "echo hello; exit 3")
    machine.run("rocketctl", "run", f"end-{engine}", "--wait", check=False)
    (run,) = history(machine, f"end-{engine}")
    assert (run["action"], run["exit_code"]) == ("fail", 3)
    assert "hello" in machine.run("rocketctl", "log", f"end-{engine}", check=False).stdout
    (name,) = begun(machine, f"end-{engine}")
    assert re.fullmatch(rf"rocketd-end-{engine}-1-[0-9a-f]{{32}}", name)


@pytest.mark.parametrize("engine", ["slurm", "ssh"])
def test_a_job_goes_on_when_rocketd_is_killed_and_begins_once(machine: Machine, engine: str) -> None:
    name = f"kill-{engine}"
    give(machine, name, engine, "while [ ! -e /var/tmp/end ]; do sleep 0.1; done; exit 4")
    machine.run("rocketctl", "run", name)
    await_begun(machine, name)
    machine.sh("systemctl kill --signal=KILL rocketd; systemctl reset-failed rocketd; systemctl start rocketd")
    machine.run("systemctl", "restart", "rocketd")
    machine.sh("touch /var/tmp/end")
    await_end(machine, name, "fail")
    machine.sh("rm /var/tmp/end")
    (run,) = history(machine, name)
    assert (run["action"], run["exit_code"]) == ("fail", 4)
    assert len(begun(machine, name)) == 1


@pytest.mark.parametrize("engine", ["slurm", "ssh"])
def test_a_job_is_stopped_in_its_engine(machine: Machine, engine: str) -> None:
    name = f"stop-{engine}"
    give(machine, name, engine, "exec sleep 1000")
    machine.run("rocketctl", "run", name)
    await_begun(machine, name)
    machine.run("rocketctl", "stop", name)
    await_end(machine, name, "terminate")
    (run,) = history(machine, name)
    assert run["cause"] == "operator"
    assert machine.run("pgrep", "-f", "sleep 1000", check=False).stdout == ""


def test_variables_reach_the_other_host_and_no_program_with_more_rights(machine: Machine) -> None:
    """What the dynamic linker would load, and a search path without programs, count for the task alone."""
    text = 'a "b" `c` $d \\\\e # ä'
    variables = {"TEXT": text, "PATH": "/nowhere", "LD_PRELOAD": "/nowhere/none.so"}
    shown = "".join(f"{name} = {json.dumps(value, ensure_ascii=False)}, " for name, value in variables.items())
    script = 'printf "<%s|%s|%s>" "$TEXT" "$PATH" "$LD_PRELOAD"'
    give(machine, "variables", "ssh", script, f"environment = {{ {shown[:-2]} }}\n")
    machine.run("rocketctl", "run", "variables", check=False)
    await_end(machine, "variables")
    (run,) = history(machine, "variables")
    assert f"<{text}|/nowhere|/nowhere/none.so>" in str(run["output"])
    assert "cannot be preloaded" not in machine.sh("journalctl --output=cat | grep systemd-run || true")
    assert machine.sh("ls /run/tmp.* 2>/dev/null || true") == ""


@pytest.mark.parametrize("step", ["late", "after"])
def test_a_submitter_that_is_killed_between_submission_and_record_submits_once(machine: Machine, step: str) -> None:
    """It is found by its name, also if what submits it lives on when rocketd has died."""
    name = f"submit-{step}"
    machine.write("/run/killer", step)
    give(machine, name, "slurm", "exit 5", 'when = "daily"\n')
    await_end(machine, name, "fail")
    runs = history(machine, name)
    assert [(run["action"], run["exit_code"]) for run in runs] == [("fail", 5)]
    assert len(begun(machine, name)) == 1
    assert machine.run("test", "-e", "/run/killer", check=False).returncode == 1


def test_a_controller_that_is_away_is_not_a_failure(machine: Machine) -> None:
    give(machine, "away", "slurm", "while [ ! -e /var/tmp/end ]; do sleep 0.1; done; exit 6")
    machine.run("rocketctl", "run", "away")
    await_begun(machine, "away")
    machine.run("systemctl", "stop", "slurmctld")
    machine.await_journal("ROCKETD_TASK=away", "ROCKETD_STREAM=stderr")
    machine.sh("touch /var/tmp/end; systemctl start slurmctld")
    await_end(machine, "away", "fail")
    machine.sh("rm /var/tmp/end")
    assert [run["exit_code"] for run in history(machine, "away")] == [6]


def await_begun(machine: Machine, name: str) -> None:
    """Wait until a job of the task has begun."""
    machine.sh(f"for i in $(seq 400); do [ -e /var/tmp/begun-{name} ] && exit 0; sleep 0.1; done; exit 1")
