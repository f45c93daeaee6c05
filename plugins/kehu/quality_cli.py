"""`kehu waive` and `kehu replay`: let through what a gate blocks although it is right, correct what it quarantined."""

from __future__ import annotations

import getpass
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from kehu.local.terminal import console, fail, say, warehouse

app = typer.Typer(add_completion=False)


@app.command()
def waive(
    load_id: Annotated[
        int | None, typer.Argument(metavar="LOAD", help="the load that the gate's message names")
    ] = None,
    night: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="a night whose scores are right")] = None,
    reason: Annotated[str, typer.Option(help="why it is right; it is kept with your name")] = "",
) -> None:
    """Let a load, or a night's scores, pass the comparison with earlier nights; all else is checked all the same."""
    from kehu.warehouse.quarantine import WaiverError, waive_night
    from kehu.warehouse.quarantine import waive as let_through

    if (load_id is None) == (night is None):
        fail("name a load, or a night with --night, and not both")
    url = warehouse("there is nothing to waive yet")
    try:
        if night is not None:
            waive_night(url, night.date(), getpass.getuser(), reason)
            name = f"the scores of {night.date()}"
        else:
            name = let_through(url, int(load_id or 0), getpass.getuser(), reason)
    except WaiverError as error:
        fail(str(error))
    say(f"waived: {name}; run its night again")


@app.command()
def replay(
    load_id: Annotated[int | None, typer.Argument(metavar="LOAD", help="the load whose rows are corrected")] = None,
    file: Annotated[Path | None, typer.Argument(help="the corrected rows, each with its number in `_row`")] = None,
    reason: Annotated[str, typer.Option(help="what was wrong; it is kept with your name")] = "",
) -> None:
    """List the rows that wait in quarantine, of all loads or of one; with a file, land its rows in their place."""
    from kehu.sources.config import ConfigError, load
    from kehu.sources.replay import replay as land
    from kehu.warehouse.replays import ReplayError, waiting

    url = warehouse("there is nothing to waive yet")
    if load_id is None or file is None:
        rows = waiting(url, load_id)
        for row in rows:
            say(f"load {row.load_id}  {row.source}: {row.file_name}, row {row.row_number}: {row.reason}")
        console.print(f"{len(rows)} rows wait in quarantine", highlight=False)
        return
    try:
        replay_id, count = land(url, load(), load_id, file, getpass.getuser(), reason)
    except (ConfigError, ReplayError) as error:
        fail(str(error))
    console.print(f"landed: {count} rows as load {replay_id}; the next night checks and counts them", highlight=False)
