"""What an engine in a process of its own found, and what it cost."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bench.identity_run import Run, measured, run_engine, score_run
from bench.identity_sets import UNKNOWN, LabelledSet, as_records

KEYS = ["k1", "k2", "k3", "k4"]
LABELLED = LabelledSet(as_records({"record_key": KEYS, "source": "shop"}), np.array([0, 0, 1, UNKNOWN]))
FIGURES = {
    "links": {"cpu_seconds": 10.0, "seconds": 6.0, "peak_mb": 5},
    "0.5": {"own_cpu_seconds": 1.0, "own_seconds": 1.0, "peak_mb": 6},
    "0.9": {"own_cpu_seconds": 2.0, "own_seconds": 1.5, "peak_mb": 7},
}


def clusters(*found):
    return pa.table({"record_key": KEYS, "cluster": list(found)})


def test_the_best_clustering_counts_with_its_own_cost_and_without_what_is_unknown():
    links = pa.table({"left_key": ["k1", "k1"], "right_key": ["k2", "k4"]})
    run = Run({"links": links, "0.5": clusters("a", "a", "a", "a"), "0.9": clusters("a", "a", "b", "b")}, FIGURES)
    scores = score_run(run, LABELLED)
    assert (scores["threshold"], scores["cpu_seconds"], scores["seconds"], scores["peak_mb"]) == ("0.9", 12.0, 7.5, 7)
    assert scores["records"] == 3
    assert scores["pairs"]["f1"] == scores["links"]["f1"] == 1.0


def test_a_record_without_a_cluster_is_an_error():
    links = pa.table({"left_key": ["k1"], "right_key": ["k2"]})
    run = Run({"links": links, "0.5": clusters("a", "a", "b", None)}, FIGURES)
    with pytest.raises(ValueError, match="1 records are in no cluster"):
        score_run(run, LABELLED)


def test_an_engine_that_fails_says_why():
    with pytest.raises(RuntimeError, match="KeyError: 'theirs'"):
        run_engine("theirs", LABELLED.records)


def test_each_step_is_written_and_measured(tmp_path):
    figures = measured(iter([("links", LABELLED.records), ("0.5", clusters("a", "b", "c", "d"))]), tmp_path)
    assert pq.read_table(tmp_path / "0.5.parquet").num_rows == 4
    assert figures["0.5"]["cpu_seconds"] >= figures["links"]["cpu_seconds"] > 0
    assert 10 < figures["links"]["peak_mb"] < 100_000
