"""Bench of the linkage: ours against plain Splink on the same records; JSON on standard output, a table on the other.

Nothing here tunes anything by labels, but for the peer's threshold: it gets the best of four.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from bench.__main__ import say
from bench.identity_hard import hard_set
from bench.identity_metrics import false_merges
from bench.identity_nights import measure_nights
from bench.identity_run import Run, best_clustering, run_engine, score_run
from bench.identity_sets import LabelledSet, febrl, read_set
from bench.identity_world import score_customers, score_world, world_set
from bench.night import Bench, installation
from kehu.local.night import night_command
from kehu.sources.config import load
from kehu.sources.nights import newest_night
from kehu.warehouse import runs
from kehu.warehouse.tables import connect
from world.generate import generate

# The stages until the customers are known; those after them are taken as done.
NEEDED = r"open_night|ingest\..+|require_sources|check_raw|build_(staging|identity)|normalise_values|identify_customers"
LATER = rf"(?!({NEEDED})$).+"
SMALL = 20_000  # records; up to here both ways of setting the peer are tried


def measure_febrl() -> dict:
    """Both engines on FEBRL's datasets; what is not there is said and left out."""
    result = {}
    for number in (1, 2, 3):
        labelled = febrl(number)
        if labelled is None:
            say(f"febrl {number}: left out, its file is not there")
            continue
        result[f"febrl {number}"] = compare(f"febrl {number}", labelled)
    return result


def measure_speed(records: int) -> dict:
    """Both engines on the hard set."""
    name = f"hard set, {records:,} records"
    return {name: compare(name, hard_set(records))}


def measure_world(customers: int) -> dict:
    """A real night of a linked world: its customer ids; and both engines on the night's records."""
    with tempfile.TemporaryDirectory() as folder:
        generate(customers, 1, Path(folder))
        sources, truth = Path(folder) / "sources.yml", Path(folder) / "truth"
        with installation(sources) as bench:
            say(f"world of {customers:,}: the night")
            seconds = run_night(bench, newest_night(load(sources)))
            records, assignments = read_night(bench)
        scores = score_world(records, assignments, truth)
        for kind, figures in scores.items():
            say_row(f"night, {kind}", figures["all_records"])
            if kind == "person":
                say_row(f"night, {kind}, no handles", figures["without_social_handles"])
        result = {"records": records.num_rows, "night_seconds": seconds, "scores": scores}
        for kind in ("person", "company"):
            labelled = world_set(records.filter(pc.equal(records["kind"], kind)), truth, kind)
            result[kind] = compare(f"world of {customers:,}, {kind}", labelled, kind, in_world=True)
        return result


def run_night(bench: Bench, day: date) -> dict[str, float | None]:
    """Run the night's stages until all know their customer; seconds of each.

    Raises
    ------
    RuntimeError
        If one failed; the message names it and why.
    """
    newest = runs.newest_run_id(bench.url)
    command = [*night_command(day), "--mark-success-pattern", LATER]
    with (bench.home.logs / "bench.log").open("w") as log:
        code = subprocess.run(command, env=bench.environment, stdout=log, stderr=log, check=False).returncode
    (run,) = runs.runs_since(bench.url, newest)
    stages = runs.stages(bench.url, run["run_id"])
    if code != 0:
        raise RuntimeError("; ".join(f"{stage.stage}: {stage.error}" for stage in stages if stage.state != "success"))
    return {stage.stage: stage.seconds for stage in stages}


def read_night(bench: Bench) -> tuple[pa.Table, pa.Table]:
    """The records of the night with their columns' types, and the customers they belong to now."""
    records = "select * from intermediate.int_identity_records order by kind, record_key"
    current = "select kind, record_key, customer_id from identity.assignments where valid_to is null"
    return _table(bench, records), _table(bench, current)


def _table(bench: Bench, query: str) -> pa.Table:
    with connect(bench.url) as connection, connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetch_arrow_table()


def compare(name: str, labelled: LabelledSet, kind: str = "person", *, in_world: bool = False) -> dict:
    """Scores and costs of each engine, one after the other in processes of their own."""
    result = {}
    peers = ("plain", "plain_in_parts") if labelled.records.num_rows <= SMALL else ("plain",)
    for engine in (*peers, "ours"):
        say(f"{name}: {engine}")
        run = run_engine(engine, labelled.records, kind)
        result[engine] = score_run(run, labelled) | _more(run, labelled, in_world)
        say_row(f"{name}, {engine}", result[engine])
        if in_world and kind == "person":
            say_row(f"{name}, {engine}, no handles", result[engine]["without_social_handles"])
    return result


def _more(run: Run, labelled: LabelledSet, in_world: bool) -> dict:
    """False merges in households; in a world also the scores without what nobody can link."""
    _, cluster = best_clustering(run, labelled)
    if in_world:
        return score_customers(labelled, cluster)
    if labelled.household is None:
        return {}
    phones = labelled.records["phones"].to_pylist()
    return {"households": false_merges(labelled.truth, cluster, labelled.household, phones)}


def tell_nights(records: int) -> dict:
    """A night with 1 % new records against the first one."""
    say(f"nights of the hard set, {records:,} records")
    result = measure_nights(records)
    for name, than in (("second_of_first", "the first"), ("second_of_linked_anew", "the same linked anew")):
        say(f"the second night takes {result[name]['cpu_seconds']:.1%} of the CPU seconds of {than}")
    return result


def say_row(name: str, scores: dict) -> None:
    """One line of the table for people."""
    cells = [f"{name:<34}"]
    for kind in ("links", "pairs", "clusters"):
        if kind in scores:
            rates = scores[kind]
            cells.append(f"{kind} P {rates['precision']:.4f} R {rates['recall']:.4f} F1 {rates['f1']:.4f}")
    cells.append(f"largest {scores['largest_cluster']:,}")
    if "cpu_seconds" in scores:
        cells.append(f"{scores['cpu_seconds']:,} CPU s, {scores['peak_mb']:,} MB")
    say("  ".join(cells))


def main() -> None:
    """Measure FEBRL, a world and the hard set, or anybody's CSV."""
    parser = argparse.ArgumentParser(prog="bench.identity")
    parser.add_argument("--only", choices=["febrl", "world", "speed", "nights"])
    parser.add_argument("--customers", type=int, nargs="+", default=[10_000], help="of each world")
    parser.add_argument("--records", type=int, default=1_000_000, help="of the hard set")
    parser.add_argument("--set", type=Path, help="a CSV with columns named like int_identity_records")
    parser.add_argument("--truth", help="its column that names the true customer")
    parser.add_argument("--id", help="its column of record ids; else the rows are numbered")
    options = parser.parse_args()
    if options.set and not options.truth:
        parser.error("--set needs --truth")
    if options.set:
        result = {options.set.name: compare(options.set.name, read_set(options.set, options.truth, options.id))}
        print(json.dumps(result, indent=1))
        return
    parts = {
        "febrl": measure_febrl,
        "world": lambda: {f"world of {count:,}": measure_world(count) for count in options.customers},
        "speed": lambda: measure_speed(options.records),
        "nights": lambda: tell_nights(options.records),
    }
    print(json.dumps({name: part() for name, part in parts.items() if options.only in (None, name)}, indent=1))


if __name__ == "__main__":
    main()
