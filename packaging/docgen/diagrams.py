"""The pictures in docs/explanation/architecture.md, drawn from the code as Mermaid blocks.

    python -m docgen.diagrams .        # with PYTHONPATH=.:packaging: draws them again

A picture stands between `<!-- diagram: WHICH -->` and `<!-- end -->`. The layers are those of the import-linter
contracts in pyproject.toml. The two lives name events, actions and methods by the objects themselves, so that one that
is renamed is renamed here; tests/unit/test_layout.py refuses an event that is not drawn.
"""

import re
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from rocketd.core.model.events import Finished, Missed, Spawned, Started, Withdrawn
from rocketd.core.model.run import Action
from rocketd.daemon.ports import Spool, Store
from rocketd.daemon.record_writer import RecordWriter
from rocketd.store.replication.outbox_sender import OutboxSender
from rocketd.store.replication.replicated_store import ReplicatedStore
from rocketd.store.replication.replicator import Replicator

PAGE: Final = "docs/explanation/architecture.md"

_BLOCK: Final = re.compile(r"(<!-- diagram: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def layers(root: Path) -> Iterator[str]:
    """Draw each contract of kind `layers`: who stands above may import from below."""
    contracts = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    yield "flowchart TB"
    for number, contract in enumerate(contract for contract in contracts if contract["type"] == "layers"):
        yield from _contract(number, contract["containers"][0], contract["layers"])


def _contract(number: int, container: str, rows: Sequence[str]) -> Iterator[str]:
    yield f'  subgraph c{number}["{container}"]'
    yield "    direction TB"
    for row, modules in enumerate(rows):
        yield f'    c{number}r{row}["{modules.replace(" | ", " · ")}"]'
    yield "    " + " --> ".join(f"c{number}r{row}" for row in range(len(rows)))
    yield "  end"


STEPS: Final[Mapping[type, tuple[str, str, str]]] = {
    Started: ("due", Action.RUN, "decided, and recorded"),
    Spawned: (Action.RUN, "process", "has its process"),
    Withdrawn: (Action.RUN, Action.WITHDRAWN, "never began"),
    Missed: ("due", Action.MISSED, "nothing will run for it"),
}
"""Where each event leads from and to; `Finished` leads to every end."""

_ENDS: Final[Mapping[Action, str]] = {
    Action.SUCCESS: "exit code 0",
    Action.FAIL: "any other exit code, or a signal",
    Action.TERMINATE: "stopped by a timeout, stop_when or an operator",
    Action.INACTION: "nothing to do",
    Action.CRASH: "the daemon or the host went down",
}


def run(_: Path) -> Iterator[str]:
    """Draw the life of a run: the events of the run log, and the records that they leave."""
    yield "stateDiagram-v2"
    yield "  [*] --> due: the condition holds"  # no colon and no semicolon in what an arrow says
    for event, (before, after, what) in STEPS.items():
        yield f"  {before} --> {after}: {event.__name__}, {what}"
    for action in [action for action in Action if action not in (Action.RUN, Action.MISSED, Action.WITHDRAWN)]:
        yield f"  process --> {action}: {Finished.__name__}, {_ENDS[action]}"
    yield f"  {Action.RUN} --> {Action.CRASH}: {Finished.__name__}, went down in between"


def record(_: Path) -> Iterator[str]:
    """Draw the life of a record: through the store, past a store that fails, and on to another repository."""
    yield "flowchart LR"
    yield '  loop(["the loop"])'
    yield '  writer["the writing thread"]'
    yield '  store[("run log<br>rocketd.db")]'
    yield '  spool["spool<br>spool.jsonl"]'
    yield '  rejected["spool.jsonl.damaged"]'
    yield '  outbox["outbox<br>a table in rocketd.db"]'
    yield '  repository[("another repository")]'
    edges: Sequence[tuple[str, str, Callable[..., object], str]] = (
        ("loop", "writer", RecordWriter.record, "what must not happen before"),
        ("writer", "store", Store.write, "one transaction for a group"),
        ("writer", "spool", Spool.append, "while the store fails"),
        ("spool", "store", Spool.drain, "when it is back, oldest first"),
        ("spool", "rejected", Spool.drain, "a line that cannot be read"),
        ("store", "outbox", ReplicatedStore.write, "in the same transaction"),
        ("outbox", "repository", OutboxSender.send_some, "each record once"),
        ("repository", "store", Replicator.read, "at start: what is missing here"),
        ("store", "gone", Store.prune, "older than keep, and asked for by no condition"),
    )
    yield '  gone(["deleted"])'
    for before, after, method, what in edges:
        yield f'  {before} -- "{method.__qualname__}<br>{what}" --> {after}'


PICTURES: Final[Mapping[str, Callable[[Path], Iterator[str]]]] = {"layers": layers, "run": run, "record": record}


def filled(page: str, root: Path) -> str:
    """Return the page with its pictures drawn."""

    def drawn(block: re.Match[str]) -> str:
        lines = "\n".join(PICTURES[block[2]](root))
        return f"{block[1]}\n```mermaid\n{lines}\n```\n\n{block[3]}"

    return _BLOCK.sub(drawn, page)


if __name__ == "__main__":
    top = Path(sys.argv[1])
    path = top / PAGE
    path.write_text(filled(path.read_text(encoding="utf-8"), top), encoding="utf-8")
