"""What the peer knows besides Splink: the certain keys."""

from __future__ import annotations

import pyarrow as pa
import pytest

from bench.identity_peer import held_keys, join_by_keys
from ml.identity.settings import Keys

KEYS = Keys(own=("shop.account",), linked=("shop.order",), cap=2)
HELD = [
    ("a", ["shop.account:1"]),
    ("b", ["device:7", "shop.account:1", "shop.order:9"]),
    ("c", ["shop.order:9"]),
    ("d", ["device:7"]),
    ("e", []),
    *((name, ["shop.order:8"]) for name in "fgh"),
]


@pytest.fixture
def records():
    keys = pa.array([keys for _, keys in HELD], pa.list_(pa.string()))
    return pa.table({"record_key": [name for name, _ in HELD], "keys": keys})


def test_certain_keys_join_clusters_and_others_and_crowded_ones_do_not(records):
    clusters = pa.table({"record_key": list("hgfedcba"), "cluster": ["h", "g", "f", "a", "d", "c", "b", "a"]})
    joined = join_by_keys(clusters, held_keys(records, KEYS)).to_pydict()
    cluster = dict(zip(joined["record_key"], joined["cluster"], strict=True))
    assert cluster["a"] == cluster["b"] == cluster["c"] == cluster["e"]
    assert len({cluster[name] for name in "adfgh"}) == 5


def test_records_without_keys_stay_as_they_were(records):
    clusters = pa.table({"record_key": ["a", "b"], "cluster": ["x", "y"]})
    assert join_by_keys(clusters, held_keys(records.drop_columns("keys"), KEYS)) == clusters
