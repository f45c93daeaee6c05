"""Scores of clusterings small enough to count by hand."""

from __future__ import annotations

import numpy as np
import pytest

from bench.identity_metrics import false_merges, score_clusters, score_links

# Anna has three records, Bea two, Carl one; one of Anna's lies alone, one of Bea's with Carl.
TRUTH = np.array(["anna", "anna", "anna", "bea", "bea", "carl"])
CLUSTER = np.array([1, 1, 2, 3, 4, 4])
SOURCE = np.array(["shop", "crm", "crm", "shop", "shop", "crm"])


def test_pairs_are_counted_within_clusters():
    pairs = score_clusters(TRUTH, CLUSTER)["pairs"]
    assert (pairs["true"], pairs["found"], pairs["right"]) == (4, 2, 1)
    assert (pairs["precision"], pairs["recall"], pairs["f1"]) == (0.5, 0.25, pytest.approx(1 / 3, abs=1e-5))


def test_a_cluster_is_right_only_if_it_is_whole_and_pure():
    found = np.array([7, 7, 7, 3, 4, 4])
    clusters = score_clusters(TRUTH, found)["clusters"]
    assert (clusters["true"], clusters["found"], clusters["right"]) == (3, 3, 1)
    assert score_clusters(TRUTH, CLUSTER)["clusters"]["right"] == 0


def test_pairs_by_source_sum_to_all_pairs():
    scores = score_clusters(TRUTH, CLUSTER, SOURCE)
    assert {name: (cell["true"], cell["found"], cell["right"]) for name, cell in scores["by_sources"].items()} == {
        "crm - crm": (1, 0, 0),
        "crm - shop": (2, 2, 1),
        "shop - shop": (1, 0, 0),
    }


def test_the_truth_itself_scores_one():
    scores = score_clusters(TRUTH, TRUTH, SOURCE)
    assert scores["pairs"]["f1"] == scores["clusters"]["f1"] == 1.0
    assert scores["largest_cluster"] == 3


def test_nothing_found_is_precise_and_recalls_nothing():
    scores = score_clusters(TRUTH, np.arange(6))
    assert (scores["pairs"]["precision"], scores["pairs"]["recall"]) == (1.0, 0.0)


def test_counts_agree_with_pairs_listed_one_by_one():
    rng = np.random.default_rng(3)
    truth, cluster = rng.integers(0, 40, 200), rng.integers(0, 50, 200)
    pairs = [(a, b) for a in range(200) for b in range(a)]
    right = sum(truth[a] == truth[b] and cluster[a] == cluster[b] for a, b in pairs)
    scores = score_clusters(truth, cluster)["pairs"]
    assert scores["right"] == right
    assert scores["found"] == sum(cluster[a] == cluster[b] for a, b in pairs)


def test_links_count_once_in_whichever_direction():
    scores = score_links(TRUTH, np.array([0, 1, 4]), np.array([1, 0, 5]))
    assert (scores["true"], scores["found"], scores["right"]) == (4, 2, 1)


def test_false_merges_are_pairs_of_people_of_one_household():
    truth = np.array([1, 1, 2, 3, 4, 5])
    cluster = np.array([9, 9, 9, 9, 9, 8])
    household = np.array([1, 1, 1, 1, 2, 1])  # 4 lives elsewhere, 5 is in another cluster
    phones = [["+1"], [], ["+1", "+2"], ["+2"], ["+1"], ["+1"]]
    assert false_merges(truth, cluster, household, phones) == {
        "people": 5,
        "false_merges": 3,
        "false_merges_sharing_a_phone": 2,
    }
    assert false_merges(truth, truth, household, phones)["false_merges"] == 0
