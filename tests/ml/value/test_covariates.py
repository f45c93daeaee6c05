from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import check_grad

from ml.value.bg_nbd import BgNbd, bg_nbd_log_likelihood
from ml.value.covariates import Effects, Levels
from ml.value.histories import COLUMNS, Histories
from ml.value.pareto_nbd import ParetoNbd, pareto_nbd_log_likelihood
from tests.ml.value.worlds import bg_nbd_customers, pareto_nbd_customers


def two_channels(simulate, calm, eager, count=15_000):
    """Customers of two channels that differ in some parameters."""
    parts = [simulate(*calm, count=count, seed=1)[0], simulate(*eager, count=count, seed=2)[0]]
    frame = pd.DataFrame(np.vstack(parts), columns=list(COLUMNS)).round()
    frame["recency_days"] = np.where(frame["count_repeat_purchases"] > 0, np.maximum(frame["recency_days"], 1.0), 0.0)
    return frame.assign(channel=np.repeat(["shop", "web"], [count, count]), noise="same")


def test_known_effects_are_found_again():
    # Twice the rate (alpha halved) on the web.
    frame = two_channels(bg_nbd_customers, (0.8, 20.0, 0.9, 2.5), (0.8, 10.0, 0.9, 2.5))
    model = BgNbd(covariates=("channel",)).fit(frame)
    assert model.uses_covariates_
    assert model.levels_.names == (("channel", "web"),)
    on_rate, on_dropout = model.effects_
    assert on_rate == pytest.approx(np.log(2), abs=0.08)
    assert on_dropout == pytest.approx(0.0, abs=0.1)
    assert model.log_likelihood_ > BgNbd().fit(frame).log_likelihood_ + 100


def test_pareto_nbd_takes_effects_on_both_parameters():
    frame = two_channels(pareto_nbd_customers, (0.8, 20.0, 0.9, 40.0), (0.8, 10.0, 0.9, 20.0))
    model = ParetoNbd(covariates=("channel",)).fit(frame)
    assert model.uses_covariates_
    assert model.effects_ == pytest.approx([np.log(2), np.log(2)], abs=0.25)
    web = frame[frame["channel"] == "web"].head(1)
    both = pd.concat([web, web.assign(channel="shop")], ignore_index=True)
    as_web, as_shop = model.expected_purchases(both, 26.0)
    assert as_web != as_shop


def test_effects_that_explain_nothing_are_dropped():
    histories, _ = bg_nbd_customers(0.8, 10.0, 0.9, 2.5, count=4000)
    frame = pd.DataFrame(np.ceil(histories), columns=list(COLUMNS))
    # An effect of a coin needs more luck than this seed has.
    frame["coin"] = np.where(np.random.default_rng(7).random(len(frame)) < 0.5, "heads", "tails")
    model = BgNbd(covariates=("coin",)).fit(frame)
    assert not model.uses_covariates_
    assert model.expected_purchases(frame, 9.0) == pytest.approx(BgNbd().fit(frame).expected_purchases(frame, 9.0))


def test_rare_and_unseen_levels_count_as_the_base_line():
    values = ["web"] * 200 + ["shop"] * 100 + ["fax"] * 3 + [None] * 60
    levels = Levels.of(pd.DataFrame({"channel": values}), ("channel",))
    assert levels.names == (("channel", "shop"), ("channel", ""))
    design = levels.design(pd.DataFrame({"channel": ["shop", "fax", "pigeon", None]}))
    assert design.tolist() == [[1, 0], [0, 0], [0, 0], [0, 1]]


def test_the_order_of_rows_changes_no_bit():
    frame = two_channels(bg_nbd_customers, (0.8, 20.0, 0.9, 2.5), (0.8, 10.0, 0.9, 2.5), count=1500)
    shuffled = frame.sample(frac=1.0, random_state=1)
    one, other = (BgNbd(covariates=("channel",)).fit(rows) for rows in (frame, shuffled))
    assert one.parameters_ == other.parameters_
    assert one.effects_.tolist() == other.effects_.tolist()


@pytest.mark.parametrize(
    ("likelihood", "effects", "base"),
    [
        (bg_nbd_log_likelihood, Effects((1, 2), (-1.0, 1.0)), (0.8, 10.0, 0.9, 2.5)),
        (pareto_nbd_log_likelihood, Effects((1, 3), (-1.0, -1.0)), (0.8, 10.0, 0.9, 20.0)),
    ],
)
def test_slopes_by_effects_equal_finite_differences(likelihood, effects, base):
    frame = two_channels(bg_nbd_customers, (0.8, 20.0, 0.9, 2.5), (0.8, 10.0, 0.9, 2.5), count=300)
    data = Histories.of(frame, (frame["channel"] == "web").to_numpy())
    objective = effects.objective(likelihood, 4, data, np.array([[0.0], [1.0]]))
    point = np.array([*base, 0.3, -0.2])
    scale = data.count_customers
    assert check_grad(lambda p: objective(p)[0] / scale, lambda p: objective(p)[1] / scale, point) < 1e-6


def test_a_missing_covariate_is_named():
    histories, _ = bg_nbd_customers(0.8, 10.0, 0.9, 2.5, count=100)
    with pytest.raises(ValueError, match="missing covariates: region"):
        BgNbd(covariates=("region",)).fit(pd.DataFrame(histories, columns=list(COLUMNS)))
