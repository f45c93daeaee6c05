"""The value bench: sets as the feature tables would show them, engines that fail, and the papers' hold-out."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from bench import scores_value, value_sets
from ml.value.bg_nbd import BgNbd
from ml.value.features import check_features
from ml.value.pareto_nbd import ParetoNbd

HAS_LOG = (value_sets.DATA / "cdnow" / "CDNOW_sample.txt").exists()


def test_a_snapshot_knows_its_past_and_labels_its_window():
    days = pd.DataFrame(
        [("a", "2011-01-01", 5.0), ("a", "2011-01-20", 7.0), ("a", "2011-02-03", 11.0), ("b", "2011-02-09", 13.0)],
        columns=["customer_id", "day", "amount"],
    ).assign(day=lambda frame: pd.to_datetime(frame["day"]))
    rows = check_features(value_sets.snapshots(days, "2011-02-09", ["2011-01-25"], 10, 100))
    assert rows["customer_id"].tolist() == ["a", "a", "b"]
    before, night, _ = rows.to_dict("records")
    assert (before["purchase_amount"], before["next_purchase_amount"], before["recency_days"]) == (12.0, 11.0, 19)
    assert (night["purchase_amount"], night["count_repeat_purchases"]) == (23.0, 2)
    assert np.isnan(night["next_purchase_amount"])
    with pytest.raises(ValueError, match="has not closed"):
        value_sets.snapshots(days, "2011-02-09", ["2011-02-01"], 10, 100)


def test_an_engine_that_fails_tells_why(monkeypatch):
    assert "failed" in scores_value.run_engine("ours", "bg_nbd", np.zeros((0, 3)))
    monkeypatch.setattr(scores_value, "LIMIT_SECONDS", 0.01)
    assert scores_value.run_engine("ours", "bg_nbd", np.zeros((1, 3))) == {"failed": "no result within 0.01 seconds"}


def test_likelihoods_are_worked_out_the_same_way_for_all():
    histories = value_sets.cdnow_histories()
    figures = scores_value.run_engine("ours", "bg_nbd", histories)
    found = scores_value.with_likelihood("bg_nbd", histories, figures)
    assert found["log_likelihood"] == pytest.approx(-9582.429, abs=0.001)


@pytest.mark.skipif(not HAS_LOG, reason="CDNOW's log is not here")
@pytest.mark.parametrize(("process", "error", "correlation"), [(BgNbd, 0.79, 0.625), (ParetoNbd, 0.7550, 0.63)])
def test_the_second_half_of_cdnow_is_predicted(process, error, correlation):
    # Fader, Hardie, Lee (2005), figure 3 and table 4: purchases of weeks 40 to 78 by those of weeks 1 to 39.
    histories, actual = value_sets.cdnow_histories(), value_sets.cdnow_held_out()
    expected = process().fit(histories).expected_purchases(histories, 39.0)
    assert len(actual) == len(histories)
    assert np.abs(expected - actual).mean() < error
    assert np.corrcoef(expected, actual)[0, 1] >= correlation
    often = histories[:, 0] >= 7
    assert expected[often].mean() == pytest.approx(actual[often].mean(), rel=0.15)
    assert expected[histories[:, 0] == 0].mean() == pytest.approx(actual[histories[:, 0] == 0].mean(), abs=0.1)
