"""`make bench-faults`: a night that is killed and run again, many times, beside itself undisturbed; prints JSON.

A first night is published, and the warehouse kept as it is then. The second night runs once undisturbed: that is the
truth. Then, again and again, the warehouse is put back, the second night is struck at random, and run again until it
ends well: its marts must be the truth byte for byte, its books must hold nothing twice and lack nothing, and readers
must at no time see anything but one of the two nights, whole.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path

import psycopg

from bench.faults_kinds import KINDS, Strike, start_again
from bench.faults_readers import Readers, Seen, read_joined
from bench.night import Bench
from kehu.local.environment import with_database
from kehu.local.home import Home
from kehu.local.night import night_command
from kehu.local.postgres import remove_server
from kehu.local.setup import prepare
from kehu.warehouse import runs
from kehu.warehouse.fingerprint import fingerprint
from kehu.warehouse.publish import previous_night, publish
from tests.shops import SmallShop

TRIES = 4
# What a night leaves behind besides marts, and what must neither be lost nor come twice.
BOOKS = {
    "raw lines": "select count(*), count(distinct (_load_id, _row_number)) from raw_shop.order_lines",
    "accepted loads": "select count(*), count(distinct file_date) from ops.loads where status = 'accepted'",
    "history of customers": "select count(*), count(*) filter (where valid_to is null) from history.customers",
    "assignments": "select count(*), count(distinct record_key) from identity.assignments where valid_to is null",
}


@contextmanager
def disk(megabytes: int) -> Iterator[tuple[Path, bool]]:
    """A small disk in memory, and whether it is one: only root may make it, and only a small one can be filled."""
    with tempfile.TemporaryDirectory(prefix="kehu_faults_") as name:
        folder = Path(name)
        folder.chmod(0o755)
        mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=755", "tmpfs", name]
        is_small = subprocess.run(mount, capture_output=True, check=False).returncode == 0
        try:
            yield folder, is_small
        finally:
            if is_small:
                subprocess.run(["umount", "--lazy", name], check=True)


@contextmanager
def installation(folder: Path, sources: Path) -> Iterator[Bench]:
    """An installation in a folder, whose server is removed in the end."""
    os.environ |= {"KEHU_HOME": str(folder), "KEHU_SOURCES": str(sources)}
    home = Home.from_environment().create()
    try:
        databases, environment = prepare(home)
        yield Bench(home, databases, environment)
    finally:
        remove_server(home)


def start_night(bench: Bench, day: date) -> subprocess.Popen:
    """The night's process, writing to a log of its own."""
    with (bench.home.logs / "faults.log").open("a") as log:
        return subprocess.Popen(night_command(day), env=bench.environment, stdout=log, stderr=log)


def books(url: str) -> dict[str, tuple]:
    """The counts of `BOOKS`."""
    with psycopg.connect(url) as connection:
        return {name: tuple(connection.execute(query).fetchone() or ()) for name, query in BOOKS.items()}


def what_is_there(url: str) -> dict:
    """All that two installations are compared by."""
    with psycopg.connect(url) as connection:
        seen = read_joined(connection)
    return {"marts": fingerprint(url), "books": books(url), "seen": seen}


def run_undisturbed(bench: Bench, day: date) -> None:
    """A night that has to end well."""
    say(f"undisturbed: {day}")
    if start_night(bench, day).wait() != 0:
        raise RuntimeError((bench.home.logs / "faults.log").read_text()[-3000:])


def keep(bench: Bench) -> None:
    """Keep the warehouse as it is now."""
    administer(bench, "create database base template warehouse strategy file_copy")


def put_back(bench: Bench) -> None:
    """The warehouse as it was kept; whoever reads has to connect again."""
    administer(bench, "drop database warehouse with (force)")
    administer(bench, "create database warehouse template base strategy file_copy")
    # Settings of a database do not come with its template.
    administer(bench, "alter database warehouse set client_connection_check_interval = '1s'")


def administer(bench: Bench, statement: str) -> None:
    """Run a statement on the server, outside the warehouse."""
    with psycopg.connect(with_database(bench.url, "postgres"), autocommit=True) as connection:
        connection.execute(statement)


def strike_night(bench: Bench, day: date, kind: str, stages: dict[str, float], dice: random.Random) -> dict:
    """One night that is struck, then run until it ends well."""
    chosen = {name: seconds for name, seconds in stages.items() if kind != "dbt" or name.startswith("build_")}
    stage = dice.choices(list(chosen), [0.3 + seconds for seconds in chosen.values()])[0]
    newest = runs.newest_run_id(bench.url)
    process = start_night(bench, day)
    strike = Strike(bench, process, stage, dice.random(), stages[stage], newest)
    has_struck = strike.wait()
    if has_struck:
        KINDS[kind](strike)
    code = process.wait()
    began, tries = time.monotonic(), 1
    while code != 0 and tries < TRIES:
        tries += 1
        start_again(bench)
        code = start_night(bench, day).wait()
    return {
        "day": str(day), "kind": kind, "stage": stage, "has_struck": has_struck, "runs": tries,
        "rerun_seconds": round(time.monotonic() - began, 1), "ended_well": code == 0,
    }  # fmt: skip


def two_at_once(bench: Bench, day: date) -> dict:
    """`kehu run` twice at the same moment, and two bare runs of the DAG, which no lock of the command keeps apart."""
    command = [sys.executable, "-m", "kehu.cli", "run", "--as-of", str(day)]
    told = []
    for line, pause in ((command, 0.0), (night_command(day), 4.0)):
        with (bench.home.logs / "faults.log").open("a") as log:
            both = []
            for _ in range(2):
                both.append(subprocess.Popen(line, env=bench.environment, stdout=log, stderr=log))
                time.sleep(pause)
        told.append(sorted(process.wait() for process in both))
    return {"day": str(day), "kind": "two at once", "kehu run": told[0], "bare runs": told[1], "has_struck": True}


def move_pointer(url: str, times: int, allowed: set[Seen], seconds: float) -> dict:
    """Roll back to the night before and forth again, under readers without pause; how long a roll-back takes."""
    newest = runs.published_night(url)
    before = previous_night(url)
    assert newest is not None and before is not None
    took = []
    with Readers(url, allowed, pause=0.0) as readers:
        for number in range(times):
            began = time.perf_counter()
            publish(url, newest if number % 2 else before)
            took.append(time.perf_counter() - began)
            time.sleep(seconds / times)
    publish(url, newest)
    figures = readers.figures() | {"publishes": times}
    return figures | {
        "roll_back_ms": {"median": round(1000 * sorted(took)[len(took) // 2]), "max": round(1000 * max(took))}
    }


def measure(bench: Bench, first: date, kinds: list[str], options: argparse.Namespace) -> dict:
    """Both nights undisturbed, then the second struck by each of the kinds, for as many minutes as there are."""
    second, dice, nights = first + timedelta(days=1), random.Random(options.seed), []
    run_undisturbed(bench, first)
    before = what_is_there(bench.url)
    keep(bench)
    run_undisturbed(bench, second)
    truth = what_is_there(bench.url)
    stages = {stage.stage: stage.seconds or 0.0 for stage in runs.stages(bench.url, runs.newest_run_id(bench.url))}
    allowed = {before["seen"], truth["seen"]}
    assert len(allowed) == 2, "the two nights look alike to readers: choose another seed"
    url = f"{bench.url}?application_name=reader"
    deadline = time.monotonic() + 60 * options.minutes
    with Readers(url, allowed) as readers:
        for kind in kinds:
            if time.monotonic() > deadline:
                break
            put_back(bench)
            told = two_at_once(bench, second) if kind == "two" else strike_night(bench, second, kind, stages, dice)
            found = what_is_there(bench.url)
            nights.append(told | {"is_same": found == truth, "differs": differences(truth, found)})
            say(json.dumps(nights[-1]))
    figures = readers.figures() | {"publishes": len(nights)}
    pointer = move_pointer(bench.url, options.publishes, allowed, options.read_seconds)
    return {
        "nights": nights,
        "not_done": len(kinds) - len(nights),
        "readers_during_faults": figures,
        "pointer": pointer,
    }


def differences(expected: dict, found: dict) -> list[str]:
    """The marts and books that are not the same."""
    pairs = [(f"{part}: {name}", expected[part].get(name), found[part].get(name))
             for part in ("marts", "books") for name in expected[part].keys() | found[part].keys()]  # fmt: skip
    return sorted(
        f"{name}" if name.startswith("marts") else f"{name} {old} {new}" for name, old, new in pairs if old != new
    )


def summary(result: dict) -> dict:
    """How many nights of each kind were struck, and how many ended as if nothing had happened."""
    struck = [night for night in result["nights"] if night["has_struck"]]
    kinds = Counter(night["kind"] for night in struck)
    same = Counter(night["kind"] for night in struck if night["is_same"])
    return {kind: f"{same[kind]} of {count}" for kind, count in sorted(kinds.items())}


def plan_of(options: argparse.Namespace, can_fill: bool) -> list[str]:
    """The faults in a random order."""
    kinds = [kind for kind in (*KINDS, "two") if can_fill or kind != "disk" for _ in range(getattr(options, kind))]
    random.Random(options.seed).shuffle(kinds)
    return kinds


def say(text: str) -> None:
    """Tell a person how far it is."""
    print(text, file=sys.stderr, flush=True)


def main() -> None:
    """Run the plan and print its table."""
    parser = argparse.ArgumentParser(prog="bench.faults")
    for name, count in (("task", 40), ("dbt", 30), ("postmaster", 30), ("connection", 5), ("disk", 5), ("two", 2)):
        parser.add_argument(f"--{name}", type=int, default=count, help=f"nights with the fault '{name}'")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--publishes", type=int, default=60)
    parser.add_argument("--read-seconds", type=float, default=300, help="how long readers read while the pointer moves")
    parser.add_argument("--minutes", type=float, default=24 * 60, help="begin no fault after so many")
    parser.add_argument("--customers", type=int, default=40)
    parser.add_argument("--megabytes", type=int, default=1500, help="size of the disk, which lies in memory")
    options = parser.parse_args()
    with disk(options.megabytes) as (folder, can_fill):
        shop = SmallShop(folder / "shop", days=10, customers=options.customers).write()
        with installation(folder / "home", shop.sources) as bench:
            result = measure(bench, shop.last_day - timedelta(days=1), plan_of(options, can_fill), options)
    print(json.dumps({"can_fill_disk": can_fill, "same_as_undisturbed": summary(result)} | result, indent=1))


if __name__ == "__main__":
    main()
