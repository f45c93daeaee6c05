"""The nightly recommendation job: purchases in, a few next products per customer out."""

from __future__ import annotations

from datetime import date

import pandas as pd

from kehu.warehouse.runs import Counts
from kehu.warehouse.tables import replace_night
from ml.fits import Fit, save_fit
from ml.recommend.features import read_purchases
from ml.recommend.model import NextProducts

MODEL_VERSION = "recommend-1"


def score(url: str, as_of_date: date) -> Counts:
    """Fit on the night's purchases, recommend to each of their customers."""
    purchases = read_purchases(url, as_of_date)
    if purchases.empty:
        return Counts(0, 0)
    model, fit = train(purchases)
    save_fit(url, as_of_date, fit)
    rows = score_frame(model, purchases)
    written = replace_night(url, "ml", "customer_recommendations", rows, as_of_date)
    return Counts(fit.count_customers, written)


def train(purchases: pd.DataFrame) -> tuple[NextProducts, Fit]:
    """A model and its description."""
    recent_days = int(purchases["recommendation_recent_days"].iloc[0])
    model = NextProducts(recent_days=recent_days).fit(purchases)
    customers = int(purchases["customer_id"].nunique())
    note = f"By what the same customers bought, {len(model.products_)} products; popular ones where that says nothing."
    metrics = {"count_products": float(len(model.products_)), "count_purchases": float(len(purchases))}
    return model, Fit("recommend", MODEL_VERSION, "item_cosine", False, note, customers, {}, metrics)


def score_frame(model: NextProducts, purchases: pd.DataFrame) -> pd.DataFrame:
    """Rows of `ml.customer_recommendations`, ordered by customer and rank."""
    rows = model.recommend(purchases, int(purchases["recommendation_count"].iloc[0]))
    rows["as_of_date"] = purchases["as_of_date"].iloc[0]
    rows["model_version"] = MODEL_VERSION
    rows["scored_at"] = purchases["scored_at"].iloc[0]
    return rows
