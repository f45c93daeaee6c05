"""Next products from products that the same customers bought.

Two products are alike as far as the same customers bought both: the cosine of their columns in the table of customers
by products (Sarwar, B. et al. (2001). Item-based Collaborative Filtering Recommendation Algorithms. WWW, section
3.1.1), with a constant in the denominator so that a pair seen once or twice says little. A product's score for a
customer is the sum over what the customer bought, times the share of the product's buyers who bought it lately, so
that what goes out of fashion goes out of the list.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy.sparse as sp
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

COLUMNS = ("customer_id", "product_id", "last_bought_date", "as_of_date")
PRODUCTS_AT_ONCE = 500
CUSTOMERS_AT_ONCE = 2000


class NextProducts(BaseEstimator):
    """Products bought by the same customers, and the most bought ones where that tells nothing.

    Parameters
    ----------
    count_neighbours
        How many products most like a product count.
    shrinkage
        Added to the denominator of the cosine, in customers.
    recent_days
        A product that nobody bought in as many days is not recommended.

    Attributes
    ----------
    products_
        Product ids, ordered.
    similar_, together_
        Products by products: likeness, and how many customers bought both; each row holds a product's neighbours.
    recent_buyers_, recent_share_
        Of each product, customers who bought it lately, and their share of all who ever did.
    """

    def __init__(self, count_neighbours: int = 50, shrinkage: float = 10.0, recent_days: int = 90) -> None:
        self.count_neighbours = count_neighbours
        self.shrinkage = shrinkage
        self.recent_days = recent_days

    def fit(self, X: pd.DataFrame, y: object = None) -> NextProducts:  # noqa: N803
        """Fit on rows of customer_id, product_id, last_bought_date and as_of_date, one per pair, in any order.

        Raises
        ------
        ValueError
            If a column is missing or there is no row.
        """
        missing = [name for name in COLUMNS if name not in X.columns]
        if missing or not len(X):
            raise ValueError(f"missing columns: {', '.join(missing)}" if missing else "nobody has bought anything")
        self.products_ = np.array(sorted(X["product_id"].unique()), dtype=str)
        _, bought = self._bought(X)
        buyers = np.asarray(bought.sum(axis=0)).ravel()
        age = (pd.to_datetime(X["as_of_date"]) - pd.to_datetime(X["last_bought_date"])).dt.days.to_numpy()
        places = np.searchsorted(self.products_, X["product_id"].to_numpy(str))
        self.recent_buyers_ = np.bincount(places[age < self.recent_days], minlength=len(self.products_)).astype(float)
        self.recent_share_ = self.recent_buyers_ / buyers
        self.similar_, self.together_ = self._neighbours(bought, buyers)
        return self

    def recommend(self, X: pd.DataFrame, count: int) -> pd.DataFrame:  # noqa: N803
        """Up to `count` products for each customer of the purchases, ordered by customer and rank (from 1).

        Columns customer_id, rank, product_id, score, bought_with_product_id and count_bought_together (null where the
        product is only one of the most bought), method ('bought_with' or 'popular'). What a customer has is not
        recommended; scores of the two methods cannot be compared.
        """
        check_is_fitted(self, "similar_")
        customers, bought = self._bought(X)
        parts = [
            self._part(customers[start : start + CUSTOMERS_AT_ONCE], bought[start : start + CUSTOMERS_AT_ONCE], count)
            for start in range(0, len(customers), CUSTOMERS_AT_ONCE)
        ]
        return pd.concat(parts, ignore_index=True)

    def _bought(self, rows: pd.DataFrame) -> tuple[npt.NDArray[Any], sp.csr_matrix]:
        customers, codes = np.unique(rows["customer_id"].to_numpy(str), return_inverse=True)
        products = rows["product_id"].to_numpy(str)
        places = np.minimum(np.searchsorted(self.products_, products), len(self.products_) - 1)
        known = self.products_[places] == products
        shape = (len(customers), len(self.products_))
        bought = sp.csr_matrix((np.ones(int(known.sum())), (codes[known], places[known])), shape=shape)
        bought.sort_indices()
        return customers, bought

    def _neighbours(self, bought: sp.csr_matrix, buyers: npt.NDArray) -> tuple[sp.csr_matrix, sp.csr_matrix]:
        likeness, together = [], []
        by_product = bought.T.tocsr()
        for start in range(0, len(buyers), PRODUCTS_AT_ONCE):
            both = (by_product[start : start + PRODUCTS_AT_ONCE] @ bought).toarray()
            own = np.arange(len(both))
            both[own, start + own] = 0.0
            alike = both / (np.sqrt(np.outer(buyers[start : start + len(both)], buyers)) + self.shrinkage)
            # Equal ones in the order of their ids, which a stable sort keeps.
            order = np.argsort(-alike, axis=1, kind="stable")
            alike[np.arange(len(alike))[:, None], order[:, self.count_neighbours :]] = 0.0
            likeness.append(sp.csr_matrix(alike))
            together.append(sp.csr_matrix(both * (alike > 0)))
        return sp.vstack(likeness).tocsr(), sp.vstack(together).tocsr()

    def _part(self, customers: npt.NDArray, bought: sp.csr_matrix, count: int) -> pd.DataFrame:
        sold = np.flatnonzero(self.recent_buyers_ > 0)
        scores = (bought @ self.similar_[sold].T).toarray() * self.recent_share_[sold]
        # First what is bought with, then what is popular, then what the customer has.
        popular = self.recent_buyers_[sold] / (self.recent_buyers_.max() + 1.0)
        keys = np.where(scores > 0, 1.0 + scores, popular)
        keys[bought[:, sold].nonzero()] = -1.0
        order = _first(keys, count)
        columns = (sold[order], *(np.take_along_axis(values, order, axis=1) for values in (keys, scores)))
        ranks = [
            self._ranked(customers, bought, n, *(values[:, n] for values in columns)) for n in range(order.shape[1])
        ]
        rows = pd.concat(ranks, ignore_index=True)
        return rows.sort_values(["customer_id", "rank"], ignore_index=True)

    def _ranked(
        self,
        customers: npt.NDArray,
        bought: sp.csr_matrix,
        place: int,
        chosen: npt.NDArray,
        keys: npt.NDArray,
        scores: npt.NDArray,
    ) -> pd.DataFrame:
        """The rows of one rank: which product of the customer's counted most, and for how many customers it holds."""
        alike = self.similar_[chosen].multiply(bought).tocsr()
        reason = np.asarray(alike.argmax(axis=1)).ravel()
        is_with = keys > 1
        both = pd.array(np.asarray(self.together_[chosen, reason]).ravel().astype(int), dtype="Int64")
        both[~is_with] = pd.NA
        rows = pd.DataFrame(
            {
                "customer_id": customers,
                "rank": place + 1,
                "product_id": self.products_[chosen],
                "score": np.where(is_with, scores, self.recent_buyers_[chosen]),
                "bought_with_product_id": pd.Series(self.products_[reason], dtype=object).where(is_with, None),
                "count_bought_together": both,
                "method": np.where(is_with, "bought_with", "popular"),
            }
        )
        return rows[keys >= 0]


def _first(keys: npt.NDArray, count: int) -> npt.NDArray:
    """Columns of the `count` highest keys of each row, the highest first, equal ones in the order of columns."""
    chosen = np.sort(np.argpartition(-keys, min(count, keys.shape[1] - 1), axis=1)[:, :count], axis=1)
    order = np.argsort(-np.take_along_axis(keys, chosen, axis=1), axis=1, kind="stable")
    return np.take_along_axis(chosen, order, axis=1)
