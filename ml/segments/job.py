"""The nightly segment job: features in; RFM scores, segments and clusters out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import pandas as pd

from kehu.warehouse.runs import Counts
from kehu.warehouse.tables import read_frame, replace_night
from ml.churn.features import read_features
from ml.fits import Fit, save_fit
from ml.segments.clusters import (
    MIN_CUSTOMERS,
    Clustering,
    cluster_matrix,
    describe,
    find_clusters,
    match,
    name_clusters,
)
from ml.segments.model import score_rfm
from ml.tables import Dates, night_and_before

MODEL_VERSION = "rfm-1"
CLUSTER_VERSION = "clusters-1"
_BEFORE = "(select max(as_of_date) from ml.clusters where as_of_date < '{night}')"
_NAMES = "select cluster_id, cluster_name from ml.clusters where as_of_date = " + _BEFORE + " order by 1"
_MEMBERS = "select customer_id, cluster_id from ml.customer_clusters where as_of_date = " + _BEFORE + " order by 1"
_TAKEN = "select coalesce(max(cluster_id), 0) as taken from ml.clusters where as_of_date < '{night}'"


@dataclass(frozen=True)
class Before:
    """What the newest earlier night knew: lasting id by customer, name by id, and the highest id ever given."""

    members: pd.Series
    names: dict[int, str]
    taken: int


def score(url: str, as_of_date: date) -> Counts:
    """Score the night, and the comparison date by the same rules among the customers of that time."""
    snapshots = read_features(url, as_of_date, Dates.SCORED)
    if snapshots.empty:
        return Counts(0, 0)
    night, before = night_and_before(snapshots)
    note = "RFM by fifths of the night's customers; previous segments are those of the comparison date."
    save_fit(url, as_of_date, Fit("segments", MODEL_VERSION, "rfm", False, note, len(night)))
    written = replace_night(url, "ml", "customer_segments", score_frame(night, before), as_of_date)
    clusters, members, fit = cluster_frames(night.sort_index(), read_before(url, as_of_date))
    save_fit(url, as_of_date, fit)
    replace_night(url, "ml", "clusters", clusters, as_of_date)
    replace_night(url, "ml", "customer_clusters", members, as_of_date)
    return Counts(len(night), written)


def score_frame(night: pd.DataFrame, before: pd.DataFrame) -> pd.DataFrame:
    """Rows of `ml.customer_segments`, ordered by customer."""
    scores = score_rfm(night)
    scores["previous_segment"] = score_rfm(before)["segment"].reindex(night.index)
    scores["as_of_date"] = night["as_of_date"]
    scores["model_version"] = MODEL_VERSION
    scores["scored_at"] = night["scored_at"]
    return scores.rename_axis("customer_id").reset_index()


def read_before(url: str, as_of_date: date) -> Before:
    """The clusters of the newest earlier night; empty where there is none."""
    night = as_of_date.isoformat()
    names = read_frame(url, _NAMES.format(night=night))
    members = read_frame(url, _MEMBERS.format(night=night))
    taken = int(read_frame(url, _TAKEN.format(night=night))["taken"].iloc[0])
    by_id = dict(zip(names["cluster_id"].astype(int), names["cluster_name"], strict=True))
    return Before(members.set_index("customer_id")["cluster_id"], by_id, taken)


def cluster_frames(night: pd.DataFrame, before: Before) -> tuple[pd.DataFrame, pd.DataFrame, Fit]:
    """Rows of `ml.clusters` and of `ml.customer_clusters`, and the fit; no rows below `MIN_CUSTOMERS` customers.

    `night` is indexed by customer, in that order.
    """
    if len(night) < MIN_CUSTOMERS:
        note = f"Fewer than {MIN_CUSTOMERS} customers: none is put into a cluster."
        nobody = pd.DataFrame({"as_of_date": pd.Series(dtype=object)})
        return nobody, nobody, Fit("clusters", CLUSTER_VERSION, "none", True, note, len(night))
    found = find_clusters(cluster_matrix(night), len(before.names) or None)
    member = pd.Series(found.member, index=night.index)
    ids, kept = match(member, before.members, before.taken)
    names = name_clusters(found.centres, ids, before.names)
    words = describe(night, found.member)
    clusters = pd.DataFrame(
        [
            {
                "cluster_id": ids[row],
                "cluster_name": names[row],
                "description": words[row],
                "count_customers": int((found.member == row).sum()),
                "kept_share": kept.get(row),
            }
            for row in range(len(found.centres))
        ]
    ).sort_values("cluster_id")
    clusters["kept_share"] = clusters["kept_share"].astype(float)
    clusters["as_of_date"] = night["as_of_date"].iloc[0]
    members = pd.DataFrame({"cluster_id": member.map(ids), "centre_distance": found.distance}, index=night.index)
    members = members.assign(
        as_of_date=night["as_of_date"], model_version=CLUSTER_VERSION, scored_at=night["scored_at"]
    )
    return clusters, members.rename_axis("customer_id").reset_index(), _fit(found, len(night))


def _fit(found: Clustering, count_customers: int) -> Fit:
    number = len(found.centres)
    note = f"K-means, {number} clusters: the most that resampling finds again, or last night's number while stable."
    metrics = {f"stability_{tried}": index for tried, index in found.stability.items()}
    parameters = {"count_clusters": float(number)}
    return Fit("clusters", CLUSTER_VERSION, "k_means", False, note, count_customers, parameters, metrics)
