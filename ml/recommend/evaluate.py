"""How often the recommended products are bought next, against the most bought ones, at several dates."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np
import pandas as pd

from ml.recommend.model import NextProducts

AT = 10


def back_test(purchases: pd.DataFrame, cuts: Sequence[date], days: int = 90) -> pd.DataFrame:
    """One row per cut: recall and mean average precision at 10, of the model and of popularity.

    `purchases`: customer_id, product_id, bought_date (a date), one row per purchase. Before a cut is known, the `days`
    from it on are the truth, less what a customer had bought before. Both recommend only what sold lately and what the
    customer has not. Popularity: customers who bought it in the model's recent days. Cuts without truth are left out.
    """
    rows = []
    for cut in cuts:
        known = known_before(purchases, cut)
        later = purchases[(purchases["bought_date"] >= cut) & (purchases["bought_date"] < cut + timedelta(days=days))]
        truth = _new_to_each(later, known)
        if len(known) and len(truth):
            told = known[known["customer_id"].isin(truth.index)]
            model = NextProducts().fit(known)
            popular = NextProducts(count_neighbours=0).fit(known)
            found = {"cut": cut, "count_customers": len(truth)}
            for name, ranked in (("model", model.recommend(told, AT)), ("popularity", popular.recommend(told, AT))):
                recall, precision = measures(ranked, truth)
                found |= {f"recall_{name}": recall, f"map_{name}": precision}
            rows.append(found)
    return pd.DataFrame(rows)


def known_before(purchases: pd.DataFrame, cut: date) -> pd.DataFrame:
    """The feature rows as they were at the end of the day before `cut`."""
    before = purchases[purchases["bought_date"] < cut]
    known = before.groupby(["customer_id", "product_id"])["bought_date"].max().rename("last_bought_date").reset_index()
    return known.assign(as_of_date=cut - timedelta(days=1))


def measures(ranked: pd.DataFrame, truth: pd.Series) -> tuple[float, float]:
    """Mean recall and mean average precision at 10 over the customers of `truth` (a set of products each).

    Average precision is the sum of precisions at hits over the hits there could be (Manning, C. et al. (2008).
    Introduction to Information Retrieval, section 8.4, cut at 10).
    """
    lists = ranked.sort_values(["customer_id", "rank"]).groupby("customer_id")["product_id"].agg(list)
    recalls, precisions = [], []
    for customer, wanted in truth.items():
        hits = np.array([product in wanted for product in lists.get(customer, [])], dtype=float)
        recalls.append(hits.sum() / len(wanted))
        at_hits = hits * np.cumsum(hits) / np.arange(1, len(hits) + 1)
        precisions.append(at_hits.sum() / min(AT, len(wanted)))
    return float(np.mean(recalls)), float(np.mean(precisions))


def _new_to_each(later: pd.DataFrame, known: pd.DataFrame) -> pd.Series:
    """By customer known before, the set of products known before that the customer bought for the first time."""
    pairs = later[["customer_id", "product_id"]].drop_duplicates()
    pairs = pairs[pairs["customer_id"].isin(known["customer_id"]) & pairs["product_id"].isin(known["product_id"])]
    marked = pairs.merge(known[["customer_id", "product_id"]], how="left", indicator=True)
    return marked[marked["_merge"] == "left_only"].groupby("customer_id")["product_id"].agg(set)
