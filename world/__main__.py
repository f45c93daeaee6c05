"""Command line: `python -m world`."""

from __future__ import annotations

import time
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from world.generate import END, START, generate


def main(
    customers: Annotated[int, typer.Option(help="People who buy.")] = 10_000,
    seed: Annotated[int, typer.Option(help="Another number, another world.")] = 1,
    out: Annotated[Path, typer.Option(help="Folder for sources/ and truth/.")] = Path("world-data"),
    start: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help=f"First day [{START}].")] = None,
    end: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help=f"Last day [{END}].")] = None,
    is_gzip: Annotated[bool, typer.Option("--gzip/--plain", help="Pack the files.")] = True,
) -> None:
    """Write a linked world of customers."""
    began = time.perf_counter()
    first, last = start.date() if start else START, end.date() if end else END
    made = generate(customers, seed, out, first, last, is_gzip)
    typer.echo(
        f"{made.count_customers} customers, {made.count_people} people, {made.count_companies} companies,"
        f" {made.count_invoices} invoices, {made.count_order_lines} order lines"
        f" in {time.perf_counter() - began:.1f} s: {made.folder}\n"
        f"run its newest night:  KEHU_SOURCES={made.folder / 'sources.yml'} make run"
    )


if __name__ == "__main__":
    typer.run(main)
