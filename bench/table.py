"""All benchmarks of the daemon: a table of each figure beside its limit, a peer and the goal, and the same as JSON.

    make bench                   every row, a quarter of an hour
    make bench BENCH=quick       smaller and shorter, two minutes
    make bench ROWS="burst list" some of them

The rows: lateness burst sustained load restart list judgement. The JSON goes to build/bench.json.
docs/explanation/performance.md says what each of them is.
"""

import json
import os
import platform
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

import punctual
import size
import throughput
from figures import Figure, table

ROWS: Final[dict[str, Callable[..., list[Figure]]]] = {
    "lateness": punctual.lateness,
    "burst": punctual.burst,
    "sustained": throughput.sustained,
    "load": size.load,
    "restart": size.restart,
    "list": size.listing,
    "judgement": size.judgement,
}
RESULT: Final = Path("build/bench.json")


def main(wanted: list[str]) -> None:
    """Measure the wanted rows, one after the other: they would disturb each other."""
    quick = os.environ.get("BENCH") == "quick"
    figures: list[Figure] = []
    for name in wanted or ROWS:
        print(f"{name} …", file=sys.stderr, flush=True)
        with tempfile.TemporaryDirectory(prefix="rocketd-bench-") as directory:
            figures += ROWS[name](Path(directory), quick=quick)
    where = f"Python {platform.python_version()}, {os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}"
    print(f"{table(figures)}\n\n{where}{', quick' if quick else ''}")
    RESULT.parent.mkdir(exist_ok=True)
    shown = [figure._asdict() | {"ratio": figure.ratio} for figure in figures]
    RESULT.write_text(json.dumps({"where": where, "quick": quick, "figures": shown}, indent=1) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
