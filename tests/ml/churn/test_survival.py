"""Kaplan-Meier by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ml.churn.survival import ALL, survival_curves


def night(customers):
    """Rows of (age, day of the first long silence or none, first purchase)."""
    return pd.DataFrame(
        {
            "age_days": [age for age, _, _ in customers],
            "silent_from_days": [silent for _, silent, _ in customers],
            "first_purchase_date": pd.to_datetime([first for _, _, first in customers]).date,
            "churn_horizon_days": 90,
        }
    )


def test_shares_are_those_of_the_product_of_conditional_shares():
    first = "2024-01-10"
    # Judged up to day 60, 60, 160, 160, 30; one ended at once, one on day 40; the last is too young to be in.
    frame = night(
        [
            (150, 0, first),
            (150, np.nan, first),
            (250, 40, first),
            (250, np.nan, first),
            (120, np.nan, first),
            (50, np.nan, "2024-04-20"),
        ]
    )
    curve = survival_curves(frame)
    shares = curve[curve["cohort"] == "2024 Q1"].set_index("days_since_first_purchase")
    # 4/5 after the first day; the one censored on day 30 leaves 3 at risk on day 40: 4/5 * 2/3.
    assert shares["survival_share"].round(9).tolist() == [0.8, 0.8] + [round(0.8 * 2 / 3, 9)] * 4
    assert shares["count_at_risk"].tolist() == [5, 4, 2, 1, 1, 1]
    assert (shares["count_customers"] == 5).all()
    assert (shares["survival_lower"] < shares["survival_share"]).all()
    assert (shares["survival_upper"] > shares["survival_share"]).all()
    assert "2024 Q2" not in set(curve["cohort"])
    assert curve[curve["cohort"] == ALL]["survival_share"].tolist() == shares["survival_share"].tolist()


def test_a_share_of_one_or_none_has_no_interval_and_no_nan_where_a_number_is_due():
    for silent, share in ((np.nan, 1.0), (0, 0.0)):
        curve = survival_curves(night([(200, silent, "2024-01-10")] * 3))
        assert (curve["survival_share"] == share).all()
        assert curve[["survival_lower", "survival_upper"]].isna().all().all()


def test_a_silence_that_only_now_passed_the_horizon_is_not_counted_before_all_can_be_judged():
    # Silent since day 100 of 195: the horizon was passed on day 190, judged up to day 105.
    curve = survival_curves(night([(195, 100, "2024-01-10"), (195, np.nan, "2024-01-10")]))
    assert curve["survival_share"].tolist() == [1.0, 1.0, 1.0, 1.0] * 2


def test_nobody_old_enough_gives_no_curve():
    assert survival_curves(night([(30, np.nan, "2024-01-10")])).empty
    assert survival_curves(night([(200, 10, "2024-01-10")]))["survival_share"].between(0, 1).all()
    assert pytest.approx(1.0) == survival_curves(night([(200, 10, "2024-01-10")]))["survival_share"].iloc[0]
