"""Booted Debians in one network, on which an administrator types what a page says."""

import re
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from support.machines import debian_trees
from support.machines.machine import Machine

NETWORK = "10.77.0"
DATABASE = "db.example.com"
_BLOCK = re.compile(r"^<!-- (?P<where>[^>]*) -->\n```(?P<kind>\w*)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)
_LINK = "ip link add port{0} netns {1} type veth peer name eth0 netns {2}"
_BRIDGE = "ip link add bridge0 type bridge; ip addr add {0}/24 dev bridge0; ip link set bridge0 up"
_PORT = "ip link set port{0} master bridge0; ip link set port{0} up"
_KEY = "mkdir -p -m 700 .ssh; ssh-keygen -q -t ed25519 -N '' -f .ssh/id_ed25519; cat .ssh/id_ed25519.pub"
_SCAN = "ssh-keyscan -t ed25519 {0} >>/root/.ssh/known_hosts 2>/dev/null"


class Block(NamedTuple):
    """Something on a page that is to be typed, or written into a file."""

    where: str
    kind: str
    text: str


def blocks(page: Path) -> Iterator[Block]:
    """Yield the blocks of a page that say in a comment where they belong."""
    for found in _BLOCK.finditer(page.read_text()):
        yield Block(found["where"], found["kind"], found["text"])


def type_block(machine: Machine, block: Block, user: str = "root", **put_in: str) -> str:
    """Type a block as that user after a login, or write the file that its first line names; return what it prints."""
    text = block.text
    for before, after in put_in.items():
        assert before in text, f"{before} is not in:\n{text}"
        text = text.replace(before, after)
    match block.kind:
        case "toml":
            path = text.split()[1]
            earlier = machine.path(path)
            kept = earlier.read_text() if path.endswith("rocketd.toml") else ""
            machine.write(path, kept + text)
            return ""
        case "sql":
            machine.write("/var/tmp/typed.sql", text)  # noqa: S108 - in a machine of its own
            return login(machine, user, "psql --quiet --dbname=rocketd --file=/var/tmp/typed.sql")
    return login(machine, user, text)


def login(machine: Machine, user: str, script: str) -> str:
    """Return what a shell script prints that is typed after `su - USER`; raises MachineError if it fails."""
    return machine.run("su", "--login", user, "--command", f"set -e\n{script}").stdout


@contextmanager
def fleet_machines(top: Path, names: Sequence[str], binds: Sequence[Path] = ()) -> Iterator[dict[str, Machine]]:
    """Boot machines with these names, with rocketd; the first is also `db.example.com`, and each can ssh to each."""
    tree, layer = debian_trees.bare("bookworm", "fleet"), top / "layer"
    layer.mkdir()
    installed = debian_trees.install(tree, debian_trees.package("bookworm"), layer)
    with ExitStack() as stack:
        machines = {
            name: stack.enter_context(Machine(top / name, installed, tree, binds=binds, hostname=name))
            for name in names
        }
        known = "".join(f"{NETWORK}.{number} {name}\n" for number, name in enumerate(names, 1))
        key = machines[names[0]].sh(f"cd /root; {_KEY}")
        for name, machine in machines.items():
            machine.write("/etc/hosts", f"127.0.0.1 localhost\n{known}{NETWORK}.1 {DATABASE}\n")
            connect(machines, name)
            machine.write("/root/.ssh/authorized_keys", key, mode=0o600)
        for name in names:
            machines[names[0]].sh(_SCAN.format(name))
        yield machines


def connect(machines: dict[str, Machine], name: str) -> None:
    """Plug a machine in: the first has the bridge, and must be the first to be connected."""
    number = [*machines].index(name) + 1
    first = next(iter(machines.values()))
    if machines[name] is first:
        first.sh(_BRIDGE.format(f"{NETWORK}.1"))
        return
    link = _LINK.format(number, first.leader, machines[name].leader)
    subprocess.run(link.split(), check=True, timeout=60)
    first.sh(_PORT.format(number))
    machines[name].sh(f"ip addr add {NETWORK}.{number}/24 dev eth0; ip link set eth0 up")
