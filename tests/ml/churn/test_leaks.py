"""Ten features that know the future, in ten ways, and honest ones that do not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ml.churn.features import COLUMNS
from ml.churn.leaks import LeakError, find_leaks, require_clean
from ml.churn.rederive import rederive
from tests.ml.churn.worlds import HORIZON, labelled_rows, movements, night_rows

TRUTH = rederive(movements(), HORIZON)
BACK_TEST = {"roc_auc": 0.75, "roc_auc_recency": 0.68, "roc_auc_process": 0.74, "roc_auc_logistic": 0.75}


def outcome(rows):
    return rows["has_churned"].astype(bool).to_numpy()


def later(rows):
    """Movements after each snapshot, of its customers."""
    table = movements()
    return table[table["moved_on"] > table["snapshot_date"]]


def joined(rows, values):
    key = pd.MultiIndex.from_arrays([rows["customer_id"], pd.to_datetime(rows["snapshot_date"])])
    return values.reindex(key).to_numpy()


def by_key(table):
    return table.groupby(["customer_id", "snapshot_date"])


# Each plants one leak into a copy of the training rows and of the night's rows, as a wrong feature query would: where
# the future has not come yet, the night has what the query would give.
def copied_label(rows, night):
    return rows.assign(planted=outcome(rows) * 1.0), night.assign(planted=0.0)


def noisy_label(rows, night):
    random = np.random.default_rng(1)
    noise = random.normal(0, 0.6, len(rows))
    return rows.assign(planted=outcome(rows) + noise), night.assign(planted=random.normal(0, 0.6, len(night)))


def orders_of_the_window(rows, night):
    counted = joined(rows, by_key(later(rows))["order_id"].nunique())
    added = np.nan_to_num(counted)
    return rows.assign(count_orders=rows["count_orders"] + added), night


def last_order_after_the_snapshot(rows, night):
    table = movements()
    newest = joined(rows, by_key(table[~table["is_return"]])["ordered_on"].max())
    dates = pd.Series(newest).fillna(pd.to_datetime(rows["snapshot_date"])).dt.date
    return rows.assign(last_order_date=dates), night.assign(last_order_date=night["snapshot_date"])


def return_of_the_future(rows, night):
    table = movements()
    returned = joined(rows, by_key(table[table["is_return"]])["amount"].sum())
    return rows.assign(returned_amount=np.nan_to_num(returned)), night


def encoded_customer(rows, night):
    means = rows.assign(y=outcome(rows)).groupby("customer_id")["y"].mean()
    return rows.assign(planted=rows["customer_id"].map(means)), night.assign(
        planted=night["customer_id"].map(means).fillna(0.5)
    )


def scaled_aggregate_of_the_future(rows, night):
    table = movements()
    total = joined(rows, by_key(table)["amount"].sum())
    return rows.assign(purchase_amount=np.log1p(np.nan_to_num(total)) * 100), night


def order_of_rows(rows, night):
    return rows.sort_values(["snapshot_date", "has_churned"]), night


def order_of_ids(rows, night):
    made = rows["customer_id"].where(~outcome(rows), "z" + rows["customer_id"])
    return rows.assign(customer_id=made), night


def missing_where_nobody_came_back(rows, night):
    random = np.random.default_rng(2)
    hidden = outcome(rows) & (random.random(len(rows)) < 0.5)
    return rows.assign(average_repeat_amount=rows["average_repeat_amount"].mask(hidden)), night


def statistics_of_the_test_windows(rows, night):
    """Amounts told against the mean of the customer over all dates, the later ones included."""
    means = rows.groupby("customer_id")["purchase_amount"].transform("mean")
    return rows.assign(purchase_amount=rows["purchase_amount"] / means), night


# Where each leak sits.
PLANTED = {
    copied_label: "planted",
    noisy_label: "planted",
    orders_of_the_window: "count_orders",
    last_order_after_the_snapshot: "last_order_date",
    return_of_the_future: "returned_amount",
    encoded_customer: "planted",
    scaled_aggregate_of_the_future: "purchase_amount",
    order_of_rows: "row order",
    order_of_ids: "customer_id",
    missing_where_nobody_came_back: "average_repeat_amount",
    statistics_of_the_test_windows: "purchase_amount",
}


def features_of(rows):
    return [*COLUMNS, "planted"] if "planted" in rows.columns else list(COLUMNS)


@pytest.mark.parametrize("plant", PLANTED)
def test_a_planted_leak_stops_the_training(plant):
    rows, night = plant(labelled_rows(), night_rows())
    with pytest.raises(LeakError) as stopped:
        require_clean(rows, features_of(rows), night, TRUTH)
    assert {alarm.feature for alarm in stopped.value.alarms} == {PLANTED[plant]}


# Where nothing could be derived anew (a world without movements), the other checks still find what tells the outcome.
@pytest.mark.parametrize(
    "plant", [copied_label, noisy_label, last_order_after_the_snapshot, encoded_customer, order_of_rows, order_of_ids]
)
def test_leaks_that_tell_the_outcome_are_found_without_a_second_derivation(plant):
    rows, night = plant(labelled_rows(), night_rows())
    assert find_leaks(rows, features_of(rows), night)


def test_a_label_hidden_in_much_noise_is_found_because_nobody_can_derive_it():
    random = np.random.default_rng(5)
    rows = labelled_rows()
    rows = rows.assign(planted=outcome(rows) + random.normal(0, 3, len(rows)))
    night = night_rows().assign(planted=random.normal(0, 3, len(night_rows())))
    assert find_leaks(rows, features_of(rows), night) == []
    assert [alarm.check for alarm in find_leaks(rows, features_of(rows), night, TRUTH)] == ["truncation"]


def test_a_count_of_the_window_is_void_on_the_night():
    random = np.random.default_rng(6)
    rows = labelled_rows()
    weak = (~outcome(rows) & (random.random(len(rows)) < 0.5)) * 1.0
    alarms = find_leaks(rows.assign(planted=weak), ["planted"], night_rows().assign(planted=0.0))
    assert [alarm.check for alarm in alarms] == ["void_tonight"]


def test_a_model_far_above_its_peers_is_an_alarm():
    rows, night = labelled_rows(), night_rows()
    (alarm,) = find_leaks(rows, COLUMNS, night, TRUTH, BACK_TEST | {"roc_auc": 0.93})
    assert (alarm.check, alarm.feature) == ("too_good", "the model")


def test_honest_features_raise_no_alarm():
    assert find_leaks(labelled_rows(), COLUMNS, night_rows(), TRUTH, BACK_TEST) == []


@pytest.mark.parametrize("seed", range(5))
def test_features_of_mere_chance_raise_no_alarm(seed):
    random = np.random.default_rng(seed)
    rows, night = labelled_rows(), night_rows()
    chance = {f"chance_{number}": number for number in range(5)}
    rows = rows.assign(**{name: random.normal(size=len(rows)) for name in chance})
    night = night.assign(**{name: random.normal(size=len(night)) for name in chance})
    assert find_leaks(rows.sample(frac=1, random_state=seed), [*COLUMNS, *chance], night) == []


def test_nothing_derived_is_an_alarm_and_not_a_pass():
    (alarm,) = find_leaks(labelled_rows(), COLUMNS, night_rows(), TRUTH.head(0))
    assert alarm.feature == "all features"
