"""Ten bad challengers, one good one, and a first champion."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ml.promotion import Evidence, judge

CHAMPION = Evidence(
    horizon_days=90,
    dates=("2024-01-01", "2024-02-01", "2024-03-01", "2024-04-01"),
    roc_auc=(0.74, 0.75, 0.76, 0.75),
    calibration_error=(0.03, 0.02, 0.03, 0.02),
    count_rows=10_000,
    probability_deviation=0.2,
    seconds=30.0,
    bytes=400_000,
    input_drift={"age_days": 0.05},
)
GOOD = replace(CHAMPION, roc_auc=(0.75, 0.76, 0.76, 0.755), calibration_error=(0.025, 0.02, 0.03, 0.02))
NAN = float("nan")
BAD = {
    "ranks worse": (replace(GOOD, roc_auc=(0.73, 0.74, 0.75, 0.74)), "mean AUC is 0.0100 below"),
    "tells worse probabilities": (
        replace(GOOD, calibration_error=(0.06, 0.05, 0.06, 0.05)),
        "0.030 above the champion",
    ),
    "tells everybody the same": (replace(GOOD, probability_deviation=0.0), "nearly the same"),
    "has no figure": (replace(GOOD, roc_auc=(0.75, NAN, 0.76, 0.755)), "missing or infinite"),
    "ranks the wrong way round": (replace(GOOD, roc_auc=(0.25, 0.24, 0.24, 0.25)), "wrong way round"),
    "was measured on few rows": (replace(GOOD, count_rows=120), "120 rows"),
    "was measured at few dates": (
        replace(GOOD, dates=("2024-01-01",), roc_auc=(0.9,), calibration_error=(0.01,)),
        "1 dates",
    ),
    "looks another time ahead": (replace(GOOD, horizon_days=30), "30 days ahead"),
    "was measured at other dates": (
        replace(GOOD, dates=("2023-01-01", "2023-02-01", "2023-03-01", "2023-04-01")),
        "other dates",
    ),
    "changes from date to date": (replace(GOOD, roc_auc=(0.60, 0.90, 0.62, 0.92)), "from date to date"),
    "fails at one date": (replace(GOOD, roc_auc=(0.79, 0.79, 0.71, 0.79)), "at 2024-03-01"),
    "has drifted inputs": (replace(GOOD, input_drift={"age_days": 0.6}), "age_days has drifted"),
    "is slow": (replace(GOOD, seconds=200.0), "CPU seconds"),
    "is large": (replace(GOOD, bytes=900_000_000), "bytes"),
    "tells a measure at some dates only": (replace(GOOD, calibration_error=(0.02,)), "each measure at each date"),
    "is badly calibrated even without a champion": (replace(GOOD, calibration_error=(0.3,) * 4), "0.300, at most"),
}


@pytest.mark.parametrize("what", BAD)
def test_a_challenger_is_rejected_that(what):
    challenger, words = BAD[what]
    verdict = judge(challenger, CHAMPION)
    assert not verdict.is_promoted
    assert any(words in reason for reason in verdict.reasons)


def test_a_better_one_is_promoted_and_an_equal_one_too():
    assert judge(GOOD, CHAMPION).is_promoted
    assert judge(CHAMPION, CHAMPION).is_promoted
    assert judge(GOOD, CHAMPION).reasons == ()


def test_the_first_champion_must_keep_the_limits_that_need_no_other():
    assert judge(GOOD, None).is_promoted
    for what in ("tells everybody the same", "has no figure", "ranks the wrong way round", "has drifted inputs"):
        assert not judge(BAD[what][0], None).is_promoted
