"""All benchmarks of the daemon: a table of each figure beside its limit, a peer and the goal; and how they grow.

    make bench                                          every row, a quarter of an hour
    make bench BENCH=quick                              smaller and shorter, four minutes
    make bench BENCH=guard                              ratios against generous bounds, two minutes; fails beyond them
    make bench ROWS="burst list"                        some of them
    make bench INTO=docs/explanation/performance.md     tables and pictures of all rows into that page

The rows: turns lateness burst sustained load restart list judgement library fleet page machines units. The last two
boot machines, for which they need root. Tables, pictures and bench.json go to build/bench.
docs/explanation/performance.md says what each row is.
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TypeAlias

import burst
import drawing
import fleet
import lateness
import library
import machines
import page
import records
import tasks
import throughput
import turns
import units
from figures import (
    HEADS,
    Beside,
    Curve,
    Figure,
    Row,
    Spread,
    columns,
    markdown,
    put_into,
    row_beside,
    row_of,
    row_of_spread,
)
from machine_here import here

Measured: TypeAlias = Figure | Beside | Spread | Curve | turns.Ratio
ROWS: Final[dict[str, Callable[..., Sequence[Measured]]]] = {
    "turns": turns.turns,
    "lateness": lateness.lateness,
    "burst": burst.burst,
    "sustained": throughput.sustained,
    "load": tasks.load,
    "restart": records.restart,
    "list": tasks.listing,
    "judgement": tasks.judgement,
    "library": library.library,
    "fleet": fleet.figures,
    "page": page.page,
    "machines": machines.machines,
    "units": units.units,
}
OWN_TABLES: Final = frozenset({"turns", "library", "machines", "units"})
"""Rows that have a table of their own; those of all others are one table."""
RESULT: Final = Path("build/bench")


def main() -> None:
    """Measure the wanted rows, one after the other: they would disturb each other."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--into", type=Path, help="a page with places for the tables; the pictures go beside it")
    parser.add_argument("rows", nargs="*", choices=[[], *ROWS], metavar="ROW")
    wanted = parser.parse_args()
    if wanted.into and wanted.rows and not OWN_TABLES.issuperset(wanted.rows):
        parser.error(
            f"a page gets its main table as a whole: with --into, name no row but {', '.join(sorted(OWN_TABLES))}"
        )
    size = os.environ.get("BENCH", "full")
    quick, guards = size != "full", size == "guard"
    where = f"{here()}{f', BENCH={size}' if quick else ''}"
    RESULT.mkdir(parents=True, exist_ok=True)
    measured: list[Measured] = []
    try:
        for name in wanted.rows or (["turns"] if guards else ROWS):
            measured += _row(name, quick=quick)
    finally:  # a row that fails takes with it none of those that did not
        _write_json(where, measured)
        _show(where, measured)
        _draw(measured, RESULT)
    if wanted.into:
        _fill(wanted.into, where, measured)
    if guards and (beyond := [one for one in _ratios(measured) if not one.holds]):
        sys.exit(f"beyond its bound: {'; '.join(f'{one.what}, to {one.to}' for one in beyond)}")


def _row(name: str, *, quick: bool) -> Sequence[Measured]:
    print(f"{datetime.now(UTC):%H:%M:%S} {name} …", file=sys.stderr, flush=True)
    # Not in /tmp: a program that others could replace there is started by the launcher.
    with tempfile.TemporaryDirectory(prefix="rocketd-", dir=RESULT.absolute()) as directory:
        return ROWS[name](Path(directory), quick=quick)


def _figures(measured: Sequence[Measured]) -> list[Figure]:
    return [one for one in measured if isinstance(one, Figure)]


def _besides(measured: Sequence[Measured]) -> list[Beside]:
    return [one for one in measured if isinstance(one, Beside)]


def _spreads(measured: Sequence[Measured], table: str) -> list[Spread]:
    return [one for one in measured if isinstance(one, Spread) and one.table == table]


def _ratios(measured: Sequence[Measured]) -> list[turns.Ratio]:
    return [one for one in measured if isinstance(one, turns.Ratio)]


def _draw(measured: Sequence[Measured], directory: Path) -> None:
    drawing.draw_all([one for one in measured if isinstance(one, Curve)], directory)


def _show(where: str, measured: Sequence[Measured]) -> None:
    for heads, rows in _tables(measured).values():
        if rows:
            print(columns(heads, rows), end="\n\n")
    print(where)


def _tables(measured: Sequence[Measured]) -> dict[str, tuple[Row, list[Row]]]:
    """Heads and rows of each table, by its mark in a page."""
    return {
        "turns": (turns.HEADS, [*map(turns.row_of_ratio, _ratios(measured))]),
        "figures": (HEADS, [*map(row_of, _figures(measured))]),
        "machines": (machines.HEADS, [*map(row_beside, _besides(measured))]),
        "library": (library.HEADS, [*map(row_of_spread, _spreads(measured, "library"))]),
        "units": (units.HEADS, [*map(row_of_spread, _spreads(measured, "units"))]),
    }


def _fill(page: Path, where: str, measured: Sequence[Measured]) -> None:
    """Put what was measured into the page; tables of which nothing was measured stay as they are."""
    for mark, (heads, rows) in _tables(measured).items():
        if rows:
            put_into(page, mark, markdown(heads, rows))
            put_into(page, {"figures": "machine"}.get(mark, f"{mark} machine"), where)
    _draw(measured, page.parent)


def _write_json(where: str, measured: Sequence[Measured]) -> None:
    written = {
        "where": where,
        "turns": [one._asdict() for one in _ratios(measured)],
        "figures": [one._asdict() | {"ratio": one.ratio} for one in _figures(measured)],
        "machines": {"of": machines.HEADS[1:], "figures": [one._asdict() for one in _besides(measured)]},
        "library": {"of": library.HEADS[1:], "figures": [one._asdict() for one in _spreads(measured, "library")]},
        "units": {"of": units.HEADS[1:], "figures": [one._asdict() for one in _spreads(measured, "units")]},
        "curves": [asdict(one) for one in measured if isinstance(one, Curve)],
    }
    (RESULT / "bench.json").write_text(json.dumps(written, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
