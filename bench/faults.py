"""`make bench-faults`: a night that is killed and run again, many times, beside itself undisturbed; prints JSON.

A first night is published, and the warehouse kept as it is then. The second night runs once undisturbed: that is the
truth. Then, again and again, the warehouse is put back, the second night is struck at random, run again and struck
again, and at last run until it ends well: its marts must be the truth byte for byte, its books must hold nothing twice
and lack nothing, and readers must at no time see anything but one of the two nights, whole.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path

from bench.faults_copies import Copies
from bench.faults_kinds import KINDS
from bench.faults_order import LateShop, measure_order
from bench.faults_readers import Readers, Seen
from bench.faults_trials import Trials, differences, run_well, what_is_there
from bench.night import Bench, installation_in
from kehu.warehouse import runs
from kehu.warehouse.publish import previous_night, publish
from tests.shops import SmallShop

# Nights with one strike: the others are struck again in the run that follows.
ALONE = ("disk", "scheduler", "two")


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


def move_pointer(url: str, times: int, allowed: set[Seen], seconds: float) -> dict:
    """Roll back to the night before and forth again, under readers without pause; how long a roll-back takes."""
    newest = runs.published_night(url)
    before = previous_night(url)
    assert newest is not None and before is not None and newest.as_of_date != before.as_of_date
    took = []
    with Readers(url, allowed, pause=0.0) as readers:
        for number in range(times):
            began = time.perf_counter()
            publish(url, newest if number % 2 else before)
            took.append(time.perf_counter() - began)
            time.sleep(seconds / times)
    publish(url, newest)
    figures = readers.figures() | {"publishes": times, "nights": [str(before.as_of_date), str(newest.as_of_date)]}
    return figures | {
        "roll_back_ms": {"median": round(1000 * sorted(took)[len(took) // 2]), "max": round(1000 * max(took))}
    }


def measure(bench: Bench, first: date, trials: Sequence[list[str]], log: Path, options: argparse.Namespace) -> dict:
    """Both nights undisturbed, then the second struck in each trial, as long as there is time; then both again."""
    second, dice, copies, nights = first + timedelta(days=1), random.Random(options.seed), Copies(bench), []
    undisturbed(bench, first, log)
    before = what_is_there(bench.url)
    copies.keep("base")
    undisturbed(bench, second, log)
    truth = what_is_there(bench.url)
    stages = {stage.stage: stage.seconds or 0.0 for stage in runs.stages(bench.url, runs.newest_run_id(bench.url))}
    allowed = {before["seen"], truth["seen"]}
    assert len(allowed) == 2, "the two nights look alike to readers: choose another seed"
    night = Trials(bench, second, log, dice, stages)
    deadline = time.monotonic() + 60 * options.minutes
    with Readers(f"{bench.url}?application_name=reader", allowed) as readers:
        for kinds in trials:
            if time.monotonic() > deadline:
                break
            copies.put_back("base")
            told = trial(night, kinds)
            found = what_is_there(bench.url)
            is_same = told["ended_well"] and found == truth
            nights.append(told | {"is_same": is_same, "differs": differences(truth, found)})
            say(json.dumps(nights[-1]))
    figures = readers.figures() | {"publishes": len(nights)}
    copies.put_back("base")
    undisturbed(bench, second, log)
    pointer = move_pointer(bench.url, options.publishes, allowed, options.read_seconds) if options.publishes else None
    not_done = len(trials) - len(nights)
    return {"nights": nights, "not_done": not_done, "readers_during_faults": figures, "pointer": pointer}


def trial(night: Trials, kinds: list[str]) -> dict:
    """One night with its faults."""
    if kinds == ["two"]:
        return night.two_at_once()
    return night.strike_scheduler() if kinds == ["scheduler"] else night.strike(kinds)


def undisturbed(bench: Bench, day: date, log: Path) -> None:
    """A night that has to end well."""
    say(f"undisturbed: {day}")
    run_well(bench, day, log)


def summary(result: dict) -> dict:
    """Of the strikes of each kind, how many belong to a night that ended as if nothing had happened."""
    struck = [(strike["kind"], night["is_same"])
              for night in result["nights"] for strike in night["strikes"] if strike["has_struck"]]  # fmt: skip
    kinds, same = Counter(kind for kind, _ in struck), Counter(kind for kind, is_same in struck if is_same)
    return {kind: f"{same[kind]} of {count}" for kind, count in sorted(kinds.items())}


def plan_of(options: argparse.Namespace, can_fill: bool) -> list[list[str]]:
    """The faults in a random order: those that come together in one night's trial."""
    dice = random.Random(options.seed)
    mixed = [kind for kind in KINDS if kind not in ALONE for _ in range(getattr(options, kind))]
    dice.shuffle(mixed)
    trials = [mixed[at : at + options.strikes] for at in range(0, len(mixed), options.strikes)]
    alone = [kind for kind in ALONE if can_fill or kind != "disk" for _ in range(getattr(options, kind))]
    trials += [[kind] for kind in alone]
    dice.shuffle(trials)
    return trials


def say(text: str) -> None:
    """Tell a person how far it is."""
    print(text, file=sys.stderr, flush=True)


COUNTS = {"task": 40, "dbt": 30, "postmaster": 30, "connection": 5, "disk": 5, "scheduler": 5, "two": 2}


def arguments() -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(prog="bench.faults")
    for name, count in COUNTS.items():
        parser.add_argument(f"--{name}", type=int, default=count, help=f"faults of the kind '{name}'")
    parser.add_argument("--strikes", type=int, default=4, help="at most so many faults, one after the other, per night")
    parser.add_argument("--order", type=int, default=30, help="nights to run in order and shuffled; 0: none")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--publishes", type=int, default=60)
    parser.add_argument("--read-seconds", type=float, default=300, help="how long readers read while the pointer moves")
    parser.add_argument("--minutes", type=float, default=24 * 60, help="begin no fault after so many")
    parser.add_argument("--customers", type=int, default=40)
    parser.add_argument("--megabytes", type=int, default=1500, help="size of the disk, which lies in memory")
    return parser.parse_args()


def main() -> None:
    """Run the plan, then the nights in another order, and print the table."""
    options, result, order = arguments(), {}, None
    with tempfile.TemporaryDirectory() as logs:
        log = Path(logs) / "nights.log"
        with disk(options.megabytes) as (folder, can_fill):
            trials = plan_of(options, can_fill)
            shop = SmallShop(folder / "shop", days=10, customers=options.customers).write()
            with installation_in(folder / "home", shop.sources) as bench:
                result = measure(bench, shop.last_day - timedelta(days=1), trials, log, options) if trials else {}
        if options.order:
            with tempfile.TemporaryDirectory() as name:
                late = LateShop(SmallShop(Path(name) / "shop", options.order, options.customers), options.seed)
                late.begin()
                with installation_in(Path(name) / "home", late.shop.sources) as bench:
                    order = measure_order(bench, late, options.seed, log, say)
    told = {"can_fill_disk": can_fill, "same_as_undisturbed": summary(result) if result else {}, "order": order}
    print(json.dumps(told | result, indent=1))


if __name__ == "__main__":
    main()
