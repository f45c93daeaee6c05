"""What came of a list that was handed out, drawn: `python -m world.outcomes --list callback.csv --day 2024-12-31`.

A world cannot know the keys of rows that a night has yet to tell, so its outcomes are made from the file of an export.
"""

from __future__ import annotations

import csv
import json
from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer

from world.seeds import generator
from world.span import DAY, EPOCH, iso

# Of those who are called and visited, and of those who are written to.
SPOKEN = {"reached": 0.4, "accepted": 0.1, "refused": 0.1, "not_reached": 0.25, "wrong_contact": 0.05, "not_tried": 0.1}
WRITTEN = {"sent": 0.95, "wrong_contact": 0.05}
NOTES = ("price", "quality", "delivery", "no_need", None)


def tell_outcomes(rows: list[dict[str, str]], day: date, seed: int = 1) -> list[dict[str, str | None]]:
    """One outcome per row of an export, on the working hours of a day; the same rows, day and seed give the same."""
    rng = generator(seed, day.toordinal(), "outcomes")
    at = iso((day - EPOCH).days * DAY + 8 * 3600 + rng.integers(0, 9 * 3600, len(rows)))
    told = []
    for number, row in enumerate(rows):
        shares = WRITTEN if row["channel"] in ("mail", "sms", "post") else SPOKEN
        outcome = str(rng.choice(list(shares), p=list(shares.values())))
        note = NOTES[int(rng.integers(0, len(NOTES)))] if outcome in ("reached", "refused") else None
        told.append(
            {
                "outcome_id": f"O-{row['list_key'].removeprefix('L-')}-{day:%Y%m%d}",
                "list_key": row["list_key"],
                "channel": row["channel"],
                "outcome": outcome,
                "note_code": note,
                "contacted_at": at[number],
                "updated_at": at[number],
            }
        )
    return told


def main(
    exported: Annotated[Path, typer.Option("--list", exists=True, dir_okay=False, help="CSV file of `make export`.")],
    day: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="When the customers were contacted.")],
    out: Annotated[Path, typer.Option(help="Folder of the source `lists`.")] = Path("lists"),
    seed: Annotated[int, typer.Option(help="Another number, other outcomes.")] = 1,
) -> None:
    """Write the day's file of outcomes; several lists of a day are added to one file."""
    with exported.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    out.mkdir(parents=True, exist_ok=True)
    path = out / f"outcomes_{day:%Y-%m-%d}.jsonl"
    lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in tell_outcomes(rows, day.date(), seed)]
    with path.open("a", encoding="utf-8") as file:
        file.writelines(lines)
    typer.echo(f"{len(lines)} outcomes in {path}")


if __name__ == "__main__":
    typer.run(main)
