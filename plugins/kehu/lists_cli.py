"""`kehu export`: hand a list out to those who call, write and visit."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Annotated, Literal

import typer

from kehu.local.terminal import fail, say, warehouse

app = typer.Typer(add_completion=False)


@app.command()
def export(
    list_id: Annotated[str, typer.Argument(metavar="LIST", help="the list, such as callback")],
    form: Annotated[Literal["csv", "parquet"], typer.Option("--format", help="csv for spreadsheets")] = "csv",
    out: Annotated[Path | None, typer.Option(help="the file; by default <list>_<night>.<format> right here")] = None,
    with_contact: Annotated[
        bool,
        typer.Option("--with-contact", help="also names, numbers and addresses; asks for the role contact_exporter"),
    ] = False,
) -> None:
    """Write a list of the published night into a file, and why each row is in it into the decision journal."""
    from kehu.lists.export import ExportError
    from kehu.lists.export import export as hand_out
    from kehu.warehouse.runs import published_night

    url = warehouse("there is nothing to hand out yet")
    night = published_night(url)
    path = out or Path(f"{list_id}_{night.as_of_date if night else 'none'}.{form}")
    try:
        done = hand_out(url, list_id, path, form, getpass.getuser(), with_contact)
    except ExportError as error:
        fail(str(error))
    say(f"{done.path}: {done.count_rows} rows of the night of {done.as_of_date}, each with its reason in the journal")
