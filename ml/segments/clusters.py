"""Clusters of customers: how many, who is in which, what they are called, and which of yesterday's each one is.

K-means on standardised logarithms. The number of clusters is the largest that resampling finds again nearly as well as
any: for each number two resamples are clustered apart, and the adjusted Rand index (Hubert, L., Arabie, P. (1985).
Journal of Classification 2, 193-218) tells how far both put all customers together alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score
from threadpoolctl import threadpool_limits

from ml.tables import FeatureError

# Each feature with what a customer far below and far above the mean is called.
WORDS: dict[str, tuple[str, str]] = {
    "days_since_last_purchase": ("bought lately", "long silent"),
    "count_repeat_purchases": ("seldom back", "often back"),
    "age_days": ("new", "long known"),
    "order_amount": ("small orders", "large orders"),
    "lines_per_order": ("few lines", "many lines"),
}
MADE = ("order_amount", "lines_per_order")
NUMBERS = range(3, 9)
NEAR_BEST = 0.05
STAYS_NEAR_BEST = 0.15
RESAMPLES = 8
SAMPLE = 5_000
MIN_CUSTOMERS = 100
TELLING = 0.25
SEED = 4


@dataclass(frozen=True)
class Clustering:
    """Clusters found in one night's customers.

    Attributes
    ----------
    member
        Cluster of each customer, 0 to k - 1, in the order of the rows.
    distance
        Distance of each customer from the centre, in standard deviations.
    centres
        Mean of each standardised feature, one row per cluster.
    stability
        Mean adjusted Rand index of each number of clusters that was tried.
    """

    member: NDArray[np.int64]
    distance: NDArray[np.float64]
    centres: NDArray[np.float64]
    stability: dict[int, float]


def cluster_matrix(night: pd.DataFrame) -> NDArray[np.float64]:
    """Standardised logarithms of the features of `WORDS`, one row per customer; a constant feature is zero.

    Raises
    ------
    FeatureError
        If a column is missing.
    """
    needed = [*(name for name in WORDS if name not in MADE), "purchase_amount", "count_orders", "count_lines"]
    missing = sorted(set(needed) - set(night.columns))
    if missing:
        raise FeatureError(f"the feature table lacks: {', '.join(missing)}")
    known = night[needed].astype(float)
    orders = known["count_orders"].clip(lower=1.0)
    known = known.assign(order_amount=known["purchase_amount"] / orders, lines_per_order=known["count_lines"] / orders)
    logs = np.log1p(known[list(WORDS)].fillna(0.0).clip(lower=0.0).to_numpy())
    spread = logs.std(axis=0)
    # A constant column has a spread of rounding errors.
    is_told = spread > 1e-9
    return np.asarray(np.where(is_told, (logs - logs.mean(axis=0)) / np.where(is_told, spread, 1.0), 0.0))


def find_clusters(matrix: NDArray[np.float64], previous_number: int | None = None) -> Clustering:
    """Cluster the rows, which must come in the order of their key.

    The number is the largest one that is found again nearly (`NEAR_BEST`) as well as the most stable one; last night's
    stays while it is not much worse (`STAYS_NEAR_BEST`), so that clusters do not split and join from night to night.
    """
    with threadpool_limits(1):  # sums of several threads end in any order
        stability = {number: _stability(matrix, number) for number in NUMBERS}
        number = _choose(stability, previous_number)
        found = KMeans(number, n_init=10, random_state=SEED).fit(matrix)
        distance = found.transform(matrix).min(axis=1)
    # Fewer different customers than clusters leave some empty.
    filled, member = np.unique(found.labels_, return_inverse=True)
    return Clustering(member.astype(np.int64), distance, found.cluster_centers_[filled], stability)


def match(member: pd.Series, previous: pd.Series, taken: int = 0) -> tuple[dict[int, int], dict[int, float]]:
    """The lasting id of each cluster, and the share of last night's members that stayed in it.

    Parameters
    ----------
    member, previous
        Cluster of each customer tonight (0 to k - 1) and lasting id of last night, by customer.
    taken
        The highest id ever given; new clusters go on from there.

    Notes
    -----
    Pairs with the most shared customers in all are matched (Hungarian method, `scipy.optimize.linear_sum_assignment`
    on Jaccard indices); a cluster that shares less than a quarter with its match is a new one.
    """
    both = pd.DataFrame({"now": member, "then": previous}).dropna()
    shared = pd.crosstab(both["now"], both["then"]).reindex(index=range(int(member.max()) + 1), fill_value=0)
    ids: dict[int, int] = {}
    kept: dict[int, float] = {}
    if shared.shape[1]:
        counts = shared.to_numpy(dtype=float)
        union = counts.sum(axis=1)[:, None] + counts.sum(axis=0)[None, :] - counts
        likeness = counts / np.maximum(union, 1.0)
        for now, column in np.column_stack(linear_sum_assignment(-likeness)).tolist():
            if likeness[now, column] >= TELLING:
                ids[now] = int(shared.columns.to_numpy()[column])
                kept[now] = float(counts[now, column] / counts[:, column].sum())
    for now in range(int(member.max()) + 1):
        if now not in ids:
            taken += 1
            ids[now] = taken
    return ids, kept


def name_clusters(centres: NDArray[np.float64], ids: Mapping[int, int], previous: Mapping[int, str]) -> dict[int, str]:
    """A name for each cluster from the features in which it is furthest from the mean, all names different.

    A cluster of last night keeps its name as long as each of the name's words still holds.
    """
    traits = {row: _traits(centre) for row, centre in enumerate(centres)}
    names: dict[int, str] = {}
    for row, told in traits.items():
        before = previous.get(ids[row])
        if before and before not in names.values() and set(before.split(", ")) <= set(told):
            names[row] = before
    for row, told in traits.items():
        if row in names:
            continue
        wanted = [", ".join(told[:length]) or "average" for length in range(min(2, len(told)), len(told) + 1)]
        free = [name for name in wanted if name not in names.values()]
        names[row] = free[0] if free else f"{wanted[-1]} ({ids[row]})"
    return names


def describe(night: pd.DataFrame, member: NDArray[np.int64]) -> dict[int, str]:
    """Medians of each cluster in words, for those who choose whom to write to."""
    orders = night["count_orders"].astype(float).clip(lower=1.0)
    table = pd.DataFrame(
        {
            "since": night["days_since_last_purchase"].astype(float),
            "days": night["count_repeat_purchases"].astype(float) + 1.0,
            "amount": night["purchase_amount"].astype(float) / orders,
        }
    )
    medians = table.groupby(member).median()
    words = "half bought within {0:.0f} days, on {1:.0f} days or more, for {2:.0f} or more an order"
    return {int(row): words.format(*one) for row, one in zip(medians.index.to_numpy(), medians.to_numpy(), strict=True)}


def _traits(centre: NDArray[np.float64]) -> list[str]:
    """Words of the features that tell this cluster from the mean, the strongest first."""
    order = np.argsort(-np.abs(centre), kind="stable")
    names = list(WORDS)
    return [WORDS[names[i]][int(centre[i] > 0)] for i in order if abs(centre[i]) >= TELLING]


def _choose(stability: Mapping[int, float], previous: int | None) -> int:
    best = max(stability.values())
    if previous is not None and stability.get(previous, -1.0) >= best - STAYS_NEAR_BEST:
        return previous
    return max(number for number, index in stability.items() if index >= best - NEAR_BEST)


def _stability(matrix: NDArray[np.float64], number: int) -> float:
    random = np.random.default_rng([SEED, number])
    base = matrix if len(matrix) <= SAMPLE else matrix[np.sort(random.choice(len(matrix), SAMPLE, replace=False))]
    found = []
    for _ in range(RESAMPLES):
        seeds = random.integers(0, 2**31 - 1, 2)
        told = [_clustered(base, random.integers(0, len(base), len(base)), number, int(seed)) for seed in seeds]
        found.append(adjusted_rand_score(*told))
    return float(np.mean(found))


def _clustered(base: NDArray, rows: NDArray, number: int, seed: int) -> NDArray:
    return np.asarray(KMeans(number, n_init=3, random_state=seed).fit(base[rows]).predict(base))
