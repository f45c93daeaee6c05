"""Each engine in a process of its own: what it finds, its CPU seconds and its peak memory.

`python -m bench.identity_run ENGINE KIND RECORDS.parquet FOLDER` writes tables to the folder, prints figures as JSON.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from bench.identity_metrics import score_clusters, score_links
from bench.identity_sets import UNKNOWN, LabelledSet
from ml.identity.settings import Kind

MB = 1024


@dataclass(frozen=True)
class Run:
    """Tables by name as the engine yielded them: `links` and one or more clusterings; figures at each of them."""

    tables: dict[str, pa.Table]
    figures: dict[str, dict]


def run_engine(engine: str, records: pa.Table, kind: str = "person") -> Run:
    """Link records of people or companies by one of ENGINES in a child process."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        pq.write_table(records, path / "records.parquet")
        command = [sys.executable, "-m", "bench.identity_run", engine, kind, str(path / "records.parquet"), folder]
        made = subprocess.run(command, capture_output=True, text=True, check=False)
        if made.returncode != 0:
            raise RuntimeError(made.stderr[-3000:])
        figures = json.loads(made.stdout.splitlines()[-1])
        return Run({name: pq.read_table(path / f"{name}.parquet") for name in figures}, figures)


def score_run(run: Run, labelled: LabelledSet) -> dict:
    """Scores of links and of the best clustering, and costs."""
    best, cluster = best_clustering(run, labelled)
    known = labelled.truth != UNKNOWN
    rows = pd.Index(labelled.records["record_key"].to_pandas())
    ends = [rows.get_indexer(run.tables["links"][name].to_pandas()) for name in ("left_key", "right_key")]
    both = known[ends[0]] & known[ends[1]]
    source = labelled.records["source"].to_pandas().to_numpy()
    return {
        "links": score_links(labelled.truth[known], *(_renumbered(known)[end[both]] for end in ends)),
        **score_clusters(labelled.truth[known], cluster[known], source[known]),
        "threshold": best,
        **_costs(run, best),
    }


def best_clustering(run: Run, labelled: LabelledSet) -> tuple[str, npt.NDArray]:
    """Name and cluster of each row. The peer has several thresholds and gets the best by the labels; ours has one."""
    rows = pd.Index(labelled.records["record_key"].to_pandas())
    known = labelled.truth != UNKNOWN
    found = {name: _clusters(table, rows) for name, table in run.tables.items() if name != "links"}
    score = {name: score_clusters(labelled.truth[known], made[known])["pairs"]["f1"] for name, made in found.items()}
    best = max(score, key=lambda name: score[name])
    return best, found[best]


def _clusters(table: pa.Table, rows: pd.Index) -> npt.NDArray:
    cluster = table.to_pandas().set_index("record_key")["cluster"].reindex(rows)
    if cluster.isna().any():
        raise ValueError(f"{int(cluster.isna().sum())} records are in no cluster")
    return cluster.to_numpy()


def _renumbered(known: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """For each row its number among the known ones."""
    return np.cumsum(known) - 1


def _costs(run: Run, name: str) -> dict:
    """As if only this clustering had been made after the links."""
    links, made = run.figures["links"], run.figures[name]
    return {
        "cpu_seconds": round(links["cpu_seconds"] + made["own_cpu_seconds"], 1),
        "seconds": round(links["seconds"] + made["own_seconds"], 1),
        "peak_mb": made["peak_mb"],
    }


def measured(steps: Iterator[tuple[str, pa.Table]], folder: Path) -> dict[str, dict]:
    """Write what an engine yields; CPU and wall seconds so far and of each step, and peak memory (MB)."""
    figures: dict[str, dict] = {}
    last_cpu, last_wall = 0.0, 0.0
    began = time.perf_counter()
    for name, table in steps:
        cpu, wall = cpu_seconds(), time.perf_counter() - began
        own = {"own_cpu_seconds": cpu - last_cpu, "own_seconds": wall - last_wall}
        figures[name] = {"cpu_seconds": cpu, "seconds": wall, **own, "peak_mb": peak_mb()}
        pq.write_table(table, folder / f"{name}.parquet")
        last_cpu, last_wall = cpu_seconds(), time.perf_counter() - began
    return figures


def cpu_seconds() -> float:
    """CPU seconds so far of this process and its children that have ended."""
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


def peak_mb() -> int:
    """Peak resident memory (MB); `ru_maxrss` would begin at what the parent had when it made this process."""
    status = Path("/proc/self/status").read_text()
    (line,) = [line for line in status.splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) // MB


def _ours(records: pa.Table, kind: Kind) -> Iterator[tuple[str, pa.Table]]:
    from ml.identity.link import link

    linkage = link(records, kind)
    yield "links", linkage.links.filter(linkage.links["is_same_customer"])
    yield "ours", linkage.clusters


def _plain(records: pa.Table, kind: Kind) -> Iterator[tuple[str, pa.Table]]:
    from bench.identity_peer import link_plain

    return link_plain(records, kind)


def _plain_in_parts(records: pa.Table, kind: Kind) -> Iterator[tuple[str, pa.Table]]:
    from bench.identity_peer import link_plain

    return link_plain(records, kind, in_parts=True)


ENGINES = {"plain": _plain, "plain_in_parts": _plain_in_parts, "ours": _ours}


def main() -> None:
    """Run one engine; only its modules are imported."""
    engine, kind, path, folder = sys.argv[1:]
    steps = ENGINES[engine](pq.read_table(path), kind)
    print(json.dumps(measured(steps, Path(folder))))


if __name__ == "__main__":
    main()
