"""What customers were expected to spend within the labels' horizon meets what they spent."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import psycopg
import pytest

from kehu.warehouse.tables import read_frame, replace_night
from ml.fits import Fit, save_fit
from ml.measures import normalised_gini
from ml.registry import monitor as module
from ml.registry.monitor import monitor
from ml.tables import night_and_before
from ml.value.features import check_features
from ml.value.job import score_frame
from ml.value.model import fit_value_model
from ml.value.question import QUESTION
from tests.ml.value.worlds import shop

LABELS = """
create table ml_features.ftr_customer_snapshots (
    customer_id text, snapshot_date date, as_of_date date, churn_horizon_days integer, churn_contact_share float8,
    next_purchase_amount numeric(16, 3)
)
"""
SCORE = "churn_horizon_value"


@pytest.fixture
def scored(url):
    """The shop's night as the value job leaves it, and its rows."""
    night, before = night_and_before(check_features(shop()))
    rows = score_frame(fit_value_model(night), night, before, "value-then")
    day = rows["as_of_date"].iloc[0]
    replace_night(url, "ml", "customer_values", rows, day)
    with psycopg.connect(url) as connection:
        connection.execute("create schema if not exists ml_features")
        connection.execute(LABELS)
    return rows


def watched(url, scores, spent, days=None):
    """The figures of the night one horizon after the scores, by monitor."""
    horizon = int(scores["churn_horizon_days"].iloc[0])
    then: date = scores["as_of_date"].iloc[0]
    night = then + timedelta(days=days or horizon)
    save_fit(url, night, Fit("value", "value-now", "bg_nbd", False, "", len(scores)))
    rows = [
        (customer, night - timedelta(days=horizon), night, horizon, 0.3, amount)
        for customer, amount in zip(scores["customer_id"], spent, strict=True)
    ]
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        cursor.executemany("insert into ml_features.ftr_customer_snapshots values (%s, %s, %s, %s, %s, %s)", rows)
    monitor(url, night, [QUESTION])
    query = f"select * from ml.monitors where as_of_date = date '{night}' and subject = '{SCORE}'"
    return read_frame(url, query).set_index("monitor")


def test_values_of_a_horizon_ago_meet_what_was_spent(url, scored):
    random = np.random.default_rng(4)
    spent = np.round(scored[SCORE] * random.gamma(1.0, 1.0, len(scored)), 3)
    found = watched(url, scored, spent)
    total = found.loc["total_error"]
    assert total["value"] == pytest.approx(abs(scored[SCORE].sum() / spent.sum() - 1), rel=1e-6)
    assert total["value"] < total["chance_value"] < 1
    assert (total["model_version"], total["count_rows"]) == ("value-then", len(scored))
    assert total["reference_date"] == scored["as_of_date"].iloc[0]
    gini = normalised_gini(spent.to_numpy(), scored[SCORE].to_numpy())
    assert found.loc["normalised_gini", "value"] == pytest.approx(gini, rel=1e-6)
    assert 0.3 < gini < 1


def test_values_that_were_wrong_are_beyond_chance(url, scored):
    found = watched(url, scored, np.round(scored[SCORE].max() - scored[SCORE], 3))
    assert found.loc["total_error", "value"] > found.loc["total_error", "chance_value"]
    assert found.loc["normalised_gini", "value"] < 0


def test_a_horizon_in_which_nobody_buys_ranks_nobody(url, scored):
    found = watched(url, scored, np.zeros(len(scored)))
    assert found.loc["total_error", "value"] == 1
    assert np.isnan(found.loc["normalised_gini", "value"])
    assert found.loc["normalised_gini", "note"] == module.NO_ORDER


def test_scores_of_another_day_do_not_count(url, scored):
    found = watched(url, scored, np.ones(len(scored)), days=int(scored["churn_horizon_days"].iloc[0]) + 1)
    assert set(found["note"]) == {module.NO_SCORES}
    assert set(found.index) == set(QUESTION.monitors)


def test_a_value_of_the_labels_horizon_is_that_of_its_days(scored):
    night, before = night_and_before(check_features(shop()))
    as_far = night.assign(value_horizon_days=night["churn_horizon_days"], annual_discount_rate=0.0)
    model = fit_value_model(night)
    same = score_frame(model, as_far, before).set_index("customer_id")["customer_value"]
    np.testing.assert_allclose(scored.set_index("customer_id")[SCORE], same, rtol=1e-9)
