"""Figures as the report words them."""

from __future__ import annotations

from kehu.report.render import measures


def test_a_measure_stands_with_its_interval():
    metrics = {"roc_auc": 0.7581, "brier_score": 0.2, "roc_auc_lower": 0.747, "roc_auc_upper": 0.769, "count_dates": 8}
    assert measures(metrics) == ["roc auc 0.758 [0.747, 0.769]", "brier score 0.2", "count dates 8"]


def test_a_bound_of_nothing_stands_for_itself_and_a_missing_figure_is_a_dash():
    metrics = {"age_lower": 3, "recall": None, "gain": -0.0002}
    assert measures(metrics) == ["age lower 3", "recall –", "gain 0"]
