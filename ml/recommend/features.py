"""`ml_features.ftr_customer_products` in: which customer bought which product, and when last."""

from __future__ import annotations

from datetime import date

import pandas as pd

from kehu.warehouse.tables import read_frame
from ml.tables import FeatureError, require_grain

PURCHASES = """
select
    customer_id, product_id, last_bought_date, as_of_date, scored_at, recommendation_count, recommendation_recent_days
from ml_features.ftr_customer_products
order by customer_id, product_id
"""


def read_purchases(url: str, as_of_date: date) -> pd.DataFrame:
    """One row per customer and product, in that order.

    Raises
    ------
    FeatureError
        If the table holds another night's purchases: a later run has built it anew.
    """
    frame = read_frame(url, PURCHASES)
    others = set(frame["as_of_date"].unique()) - {as_of_date}
    if others:
        raise FeatureError(f"the feature table holds the night of {min(others)}, not of {as_of_date}")
    require_grain(frame, ["customer_id", "product_id"])
    return frame
