"""A question whose models are quick to train, with a trainer that tests may replace."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from datetime import timedelta
from functools import cache

import pandas as pd
from sklearn.base import clone

from ml.churn.features import COLUMNS, LABEL
from ml.churn.model import ChurnClassifier
from ml.churn.process import COLUMN
from ml.churn.question import KINDS, TRUSTED, ChurnFeatures, ChurnQuestion
from ml.churn.train import fit_on
from ml.registry.question import data_hash
from tests.ml.churn.worlds import NIGHT, movements, snapshots
from tests.ml.registry.bad import BadChurn

FITS = {}
DAY = NIGHT.date()
BAD = "tests.ml.registry.bad.BadChurn"


class SmallQuestion(ChurnQuestion):
    """Churn of the small shop; `trainer` makes the models, `night` is the one whose features there are."""

    trusted = (*TRUSTED, BAD)
    kinds = (*KINDS, BAD)
    dates = 4
    limits = replace(ChurnQuestion.limits, rows_least=200)

    def __init__(self, trainer=None, rows=None):
        self.trainer = trainer
        self.rows = rows

    def read(self, url, as_of_date):
        rows = snapshots() if self.rows is None else self.rows
        return shifted(rows, as_of_date)

    def night_rows(self, features):
        known = features.__dict__.get("tonight")
        return super().night_rows(features) if known is None else known

    def train(self, features):
        return (self.trainer or super().train)(features)


def shifted(rows: pd.DataFrame, night) -> ChurnFeatures:
    """The shop's features as if they were those of another night: all dates moved alike."""
    days = timedelta(days=(night - DAY).days)
    later = all_movements()
    names = ["snapshot_date", "ordered_on", "moved_on"]
    features = ChurnFeatures(moved(rows, days), later.assign(**{name: later[name] + days for name in names}))
    if rows is snapshots():
        # The purchase process says the same of dates that moved; fitting it takes most of a test's time.
        told, tonight = with_process()
        features.__dict__.update(labelled=moved(told, days), tonight=moved(tonight, days))
    return features


def moved(rows: pd.DataFrame, days: timedelta) -> pd.DataFrame:
    """Snapshots with all dates moved."""
    names = ["snapshot_date", "as_of_date", "first_purchase_date"]
    return rows.assign(
        **{name: [day + days for day in rows[name]] for name in names}, scored_at=rows["scored_at"] + days
    )


@cache
def with_process() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Labelled rows and the night's, with what the purchase process says of them."""
    features = ChurnFeatures(snapshots(), pd.DataFrame())
    return features.labelled, ChurnQuestion().night_rows(features)


@cache
def all_movements() -> pd.DataFrame:
    return movements()


def remembered(model, rows):
    """`fit_on`, whose model is the same for the same rows (test_files): each is fitted once for all tests.

    Dates may move as a whole, as they do from one night to another in these worlds.
    """
    if isinstance(model, BadChurn) and model.learns_well:
        return clone(model).take(remembered(ChurnClassifier(model.method, model.process_column), rows))
    newest = rows["snapshot_date"].max()
    days = [(day - newest).days for day in rows["snapshot_date"]]
    known = (repr(model), data_hash(rows[["customer_id", *COLUMNS, COLUMN, LABEL]].assign(day=days)))
    if known not in FITS:
        FITS[known] = fit_on(model, rows)
    return deepcopy(FITS[known])
