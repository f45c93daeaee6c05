"""Monitors of a small shop through the real registry and warehouse: quiet nights, drift, matured scores, or none."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pandas as pd
import psycopg
import pytest

from kehu.warehouse.tables import read_frame, replace_night
from ml.fits import save_fit
from ml.measures import expected_calibration_error
from ml.registry import monitor as module
from ml.registry.monitor import monitor
from ml.registry.night import speaker
from ml.tables import FeatureError
from tests.ml.churn.worlds import HORIZON, snapshots
from tests.ml.registry.test_contest import trainer
from tests.ml.registry.worlds import DAY, SmallQuestion, shifted

SCORE = "churn_probability"
LABELS = """
create table ml_features.ftr_customer_snapshots (
    customer_id text, snapshot_date date, as_of_date date, churn_horizon_days integer, churn_contact_share float8,
    has_churned boolean
)
"""


class Watched(SmallQuestion):
    """The small shop's question, the night's rows changed by `change` before anybody looks at them."""

    def __init__(self, change=lambda rows: rows):
        super().__init__(trainer())
        self.change = change

    def read_night(self, url, as_of_date):
        features = shifted(snapshots(), as_of_date)
        night = features.snapshots[features.snapshots["snapshot_date"] == as_of_date]
        return type(features)(self.change(night), pd.DataFrame())


def score(url, night, change=lambda scores: scores):
    """What the churn job leaves of a night."""
    features = shifted(snapshots(), night)
    model, fit = speaker(url, SmallQuestion(trainer()), night, HORIZON, 1, lambda: features)
    rows = SmallQuestion().night_rows(features)
    scores = pd.DataFrame({"customer_id": rows["customer_id"], SCORE: SmallQuestion().predict(model, rows)}).assign(
        as_of_date=night,
        horizon_days=HORIZON,
        churn_method=fit.method,
        model_version=fit.model_version,
        scored_at=pd.Timestamp(night, tz="UTC"),
    )
    save_fit(url, night, fit)
    replace_night(url, "ml", "customer_churn", change(scores), night)
    return scores


def watched(url, night, question=None):
    """The night's figures by monitor and subject."""
    monitor(url, night, [question or Watched()])
    rows = read_frame(url, f"select * from ml.monitors where as_of_date = date '{night}' order by monitor, subject")
    return rows.set_index(["monitor", "subject"])


@pytest.fixture
def made(url):
    with psycopg.connect(url) as connection:
        connection.execute("create schema if not exists ml_features")
        connection.execute(LABELS)
    return url


def label(url, night, outcomes):
    """The labels that a night knows of customers, one horizon before it."""
    rows = [(customer, night - timedelta(days=HORIZON), night, HORIZON, 0.3, left) for customer, left in outcomes]
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        cursor.executemany("insert into ml_features.ftr_customer_snapshots values (%s, %s, %s, %s, %s, %s)", rows)


def test_the_night_that_taught_the_model_has_not_drifted_and_has_no_old_scores(made):
    score(made, DAY)
    found = watched(made, DAY)
    drift = found.loc[["input_drift", "score_drift"]]
    assert len(drift) > 20
    assert (drift["value"] == 0).all()
    assert (drift["chance_value"] > 0).all()
    assert set(drift["reference_date"]) == {DAY}
    late = found.loc[["calibration_error", "brier_score", "recall_at_contact_share"]]
    assert late["value"].isna().all()
    assert set(late["note"]) == {module.NO_SCORES}
    pd.testing.assert_frame_equal(watched(made, DAY), found)


def test_an_input_that_moves_and_scores_that_move_are_told_and_nothing_else(made):
    score(made, DAY)
    later = DAY + timedelta(days=3)
    score(made, later, lambda scores: scores.assign(churn_probability=scores[SCORE] * 0.5))
    question = Watched(lambda rows: rows.assign(returned_amount=rows["returned_amount"] - 40.0))
    found = watched(made, later, question)
    moved = found.index[found["value"] > found["chance_value"].clip(lower=0.25)].tolist()
    assert moved == [("input_drift", "returned_amount"), ("input_drift", "returned_share"), ("score_drift", SCORE)]


def test_scores_of_a_horizon_ago_meet_what_happened(made):
    scores = score(made, DAY)
    night = DAY + timedelta(days=HORIZON)
    score(made, night)
    left = np.random.default_rng(1).random(len(scores)) < scores[SCORE]
    label(made, night, [*zip(scores["customer_id"], left.tolist(), strict=True), ("never scored", True)])
    found = watched(made, night)
    row = found.loc[("calibration_error", SCORE)]
    assert row["value"] == pytest.approx(expected_calibration_error(left, scores[SCORE]))
    assert row["value"] < row["chance_value"]
    assert (row["count_rows"], row["reference_date"]) == (len(scores), DAY)
    assert row["model_version"] == scores["model_version"].iloc[0]
    assert found.loc[("recall_at_contact_share", SCORE), "value"] > 0.3
    assert found.loc[("brier_score", SCORE), "value"] == pytest.approx(((scores[SCORE] - left) ** 2).mean())


def test_scores_that_were_wrong_are_beyond_chance(made):
    scores = score(made, DAY)
    night = DAY + timedelta(days=HORIZON)
    score(made, night)
    label(
        made,
        night,
        [(customer, told < 0.5) for customer, told in zip(scores["customer_id"], scores[SCORE], strict=True)],
    )
    found = watched(made, night)
    row = found.loc[("calibration_error", SCORE)]
    assert row["value"] > row["chance_value"] + 0.1
    assert found.loc[("recall_at_contact_share", SCORE), "value"] < 0.3


def test_labels_of_another_day_or_horizon_do_not_count(made):
    scores = score(made, DAY)
    night = DAY + timedelta(days=HORIZON + 1)
    score(made, night)
    label(made, night, [(customer, True) for customer in scores["customer_id"]])
    assert watched(made, night).loc[("brier_score", SCORE), "note"] == module.NO_SCORES


def test_a_night_without_a_model_of_the_registry_says_so(made):
    score(made, DAY)
    with psycopg.connect(made) as connection:
        connection.execute("update ml.fits set model_version = 'churn-2'")
    found = watched(made, DAY)
    assert found["value"].isna().all()
    assert found.loc[("score_drift", SCORE), "note"] == module.NO_MODEL


def test_few_customers_are_no_drift_and_none_no_figure(made):
    assert watched(made, DAY).empty
    score(made, DAY, lambda scores: scores.head(50))
    found = watched(made, DAY)
    assert found.loc[("score_drift", SCORE), "note"] == module.TOO_FEW


def test_a_feature_table_that_lost_an_input_is_named(made):
    score(made, DAY)
    with pytest.raises(FeatureError, match="lacks: returned_amount"):
        watched(made, DAY, Watched(lambda rows: rows.drop(columns="returned_amount")))
