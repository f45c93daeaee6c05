"""Clusters: their number, their names, and which of yesterday's each one is."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ml.segments.clusters import _choose, cluster_matrix, find_clusters, match, name_clusters
from ml.segments.job import Before, cluster_frames
from ml.tables import FeatureError

NOBODY = Before(pd.Series(dtype="int64"), {}, 0)
# Days since the last purchase, repeats, age, amount of an order, lines of an order.
KINDS = [(5, 20, 300, 50, 5), (250, 0, 300, 40, 4), (10, 0, 12, 300, 4), (20, 5, 200, 900, 60)]


def night(each=60, kinds=KINDS, seed=0):
    """Customers of plainly different kinds, as rows of the night's snapshot."""
    random = np.random.default_rng(seed)
    rows = np.repeat(np.array(kinds, float), each, axis=0) * random.lognormal(0, 0.1, (each * len(kinds), 5))
    orders = rows[:, 1] + 1
    return pd.DataFrame(
        {
            "days_since_last_purchase": rows[:, 0],
            "count_repeat_purchases": rows[:, 1],
            "age_days": rows[:, 2],
            "count_orders": orders,
            "purchase_amount": rows[:, 3] * orders,
            "count_lines": rows[:, 4] * orders,
            "as_of_date": pd.Timestamp("2024-01-01").date(),
            "scored_at": pd.Timestamp("2024-01-02", tz="UTC"),
        },
        index=pd.Index([f"c{number:04d}" for number in range(len(rows))], name="customer_id"),
    )


def test_plain_kinds_are_found_in_their_number():
    found = find_clusters(cluster_matrix(night()))
    assert len(found.centres) == 4
    assert [len(set(found.member[start : start + 60])) for start in range(0, 240, 60)] == [1, 1, 1, 1]
    assert found.stability[4] > 0.99


def test_the_largest_stable_number_is_taken_and_last_nights_is_kept_while_stable():
    stability = {3: 0.95, 4: 0.91, 5: 0.85, 6: 0.5}
    assert _choose(stability, None) == 4
    assert _choose(stability, 5) == 5
    assert _choose(stability, 6) == 4
    assert _choose(stability, 9) == 4


def test_names_come_from_the_features_and_differ():
    clusters, members, fit = cluster_frames(night(), NOBODY)
    names = members.set_index("customer_id")["cluster_id"].map(clusters.set_index("cluster_id")["cluster_name"])
    assert "often back" in names["c0000"]
    assert "long silent" in names["c0060"]
    assert "new" in names["c0120"]
    assert "large orders" in names["c0200"] or "many lines" in names["c0200"]
    assert clusters["cluster_name"].is_unique
    assert (fit.method, fit.is_fallback) == ("k_means", False)


def test_equal_centres_still_get_names_of_their_own():
    names = name_clusters(np.zeros((3, 5)), {0: 7, 1: 8, 2: 9}, {})
    assert len(set(names.values())) == 3


def before_of(clusters, members):
    names = dict(zip(clusters["cluster_id"], clusters["cluster_name"], strict=True))
    return Before(members.set_index("customer_id")["cluster_id"], names, int(clusters["cluster_id"].max()))


def test_clusters_keep_id_and_name_while_customers_move_between_them():
    clusters, members, _ = cluster_frames(night(), NOBODY)
    then = members.set_index("customer_id")["cluster_id"]
    later = night(seed=1)
    later.loc["c0000":"c0009"] = later.loc["c0060":"c0069"].to_numpy()  # ten who often came fell silent
    newer, now, _ = cluster_frames(later, before_of(clusters, members))
    ids = now.set_index("customer_id")["cluster_id"]
    assert (ids["c0010":] == then["c0010":]).all()
    assert (ids[:"c0009"] == then["c0060"]).all()
    named = clusters.set_index("cluster_id")["cluster_name"]
    assert newer.set_index("cluster_id")["cluster_name"].to_dict() == named.to_dict()
    kept = newer.set_index("cluster_id")["kept_share"]
    assert kept[then["c0010"]] == pytest.approx(50 / 60)


def test_a_new_kind_gets_a_number_that_was_never_used():
    clusters, members, _ = cluster_frames(night(), NOBODY)
    before = before_of(clusters, members)
    others = [*KINDS[:3], (100, 1, 280, 5, 1)]
    newer, now, _ = cluster_frames(night(kinds=others), Before(before.members.iloc[:180], before.names, 17))
    assert now["cluster_id"].iloc[-1] == 18
    assert newer.loc[newer["cluster_id"] == 18, "kept_share"].isna().all()


def test_matching_takes_the_pairs_that_share_most_in_all():
    now = pd.Series([0] * 10 + [1] * 10, index=range(20))
    then = pd.Series([5] * 6 + [9] * 14, index=range(20))
    ids, kept = match(now, then, taken=9)
    assert ids == {0: 5, 1: 9}
    assert kept == {0: 1.0, 1: pytest.approx(10 / 14)}


def test_the_same_night_gives_the_same_bits_in_any_order_of_rows():
    first = cluster_frames(night(), NOBODY)
    again = cluster_frames(night().sample(frac=1, random_state=3).sort_index(), NOBODY)
    for ours, theirs in zip(first[:2], again[:2], strict=True):
        pd.testing.assert_frame_equal(ours, theirs, check_exact=True)


def test_equal_customers_are_one_cluster():
    alike = night().assign(
        **{name: 1.0 for name in ("days_since_last_purchase", "count_repeat_purchases", "age_days", "count_orders")},
        purchase_amount=5.0,
        count_lines=2.0,
    )
    clusters, members, _ = cluster_frames(alike, NOBODY)
    assert clusters[["cluster_name", "count_customers"]].to_numpy().tolist() == [["average", 240]]
    assert set(members["cluster_id"]) == {1}


def test_few_customers_are_told_and_not_put_into_clusters():
    clusters, members, fit = cluster_frames(night(each=10), NOBODY)
    assert (len(clusters), len(members), fit.is_fallback) == (0, 0, True)


def test_a_missing_column_is_named():
    with pytest.raises(FeatureError, match="lacks: count_lines"):
        cluster_matrix(night().drop(columns="count_lines"))
