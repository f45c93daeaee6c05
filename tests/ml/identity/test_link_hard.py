"""The whole linkage on records of invented households. How well it does is measured by bench; here it must hold."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from bench.identity_metrics import score_clusters
from bench.identity_sets import febrl
from ml.identity.link import link
from tests.ml.identity.worlds import cluster_of, customers


def test_hard_records_are_linked_well_without_labels(hard, hard_linked):
    rows = dict(zip(hard.records["record_key"].to_pylist(), range(len(hard.truth)), strict=True))
    found = np.empty(len(rows), dtype=object)
    for key, cluster in cluster_of(hard_linked).items():
        found[rows[key]] = cluster
    score = score_clusters(hard.truth, np.unique(found.astype(str), return_inverse=True)[1])["pairs"]
    assert score["precision"] > 0.97
    assert score["recall"] > 0.93


@pytest.fixture(scope="module")
def shuffled_linked(hard):
    """The hard records in another order, linked by a model trained on them in that order."""
    return link(hard.records.take(np.random.default_rng(4).permutation(hard.records.num_rows)))


def test_records_in_another_order_are_linked_alike(hard_linked, shuffled_linked):
    assert shuffled_linked.clusters == hard_linked.clusters
    assert shuffled_linked.links == hard_linked.links


def test_training_again_gives_the_same_model(hard_linked, shuffled_linked):
    assert shuffled_linked.model == hard_linked.model


def test_the_same_records_give_the_same_bytes(hard, hard_linked, model):
    again = link(hard.records, model=model)
    assert again.clusters == hard_linked.clusters
    assert again.links == hard_linked.links


def test_each_pair_is_linked_once_by_a_rule_and_in_the_order_of_its_keys(hard_linked):
    rows = [(row["left_key"], row["right_key"], row["rule"]) for row in hard_linked.links.to_pylist()]
    assert len(rows) == len(set(rows))
    assert all(left < right for left, right, _ in rows)


def test_links_say_who_is_one_customer(hard_linked):
    cluster = cluster_of(hard_linked)
    for row in hard_linked.links.to_pylist():
        assert row["is_same_customer"] == (cluster[row["left_key"]] == cluster[row["right_key"]])


def test_a_cluster_of_records_known_at_one_time_is_named_by_the_first_key(hard_linked):
    cluster = cluster_of(hard_linked)
    assert all({cluster[key] for key in keys} == {min(keys)} for keys in customers(hard_linked))


def test_copies_of_all_records_join_their_originals(hard, model):
    few = hard.records.slice(0, 400)
    keys = pa.array([f"copy of {key}" for key in few["record_key"].to_pylist()])
    copies = few.set_column(few.column_names.index("record_key"), "record_key", keys)
    cluster = cluster_of(link(pa.concat_tables([few, copies]), model=model))
    for row in few.to_pylist():
        if row["given_name"] and row["surname"] and (row["mails"] or (row["birth_date"] and row["phones"])):
            assert cluster[row["record_key"]] == cluster[f"copy of {row['record_key']}"]


def test_febrl_is_linked_as_well_as_by_splink_alone():
    labelled = febrl(1)
    if labelled is None:
        pytest.skip("the FEBRL files are not here")
    cluster = cluster_of(link(labelled.records))
    found = np.array([cluster[key] for key in labelled.records["record_key"].to_pylist()])
    score = score_clusters(labelled.truth, np.unique(found, return_inverse=True)[1])["pairs"]
    assert score["precision"] > 0.99
    assert score["recall"] > 0.97
