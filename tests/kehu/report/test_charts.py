"""Pictures of models: what is drawn, which colour an alert has, and nights without figures."""

from __future__ import annotations

import re

import pandas as pd
import pytest

from kehu.report import charts

COLUMNS = ["question", "monitor", "subject", "value", "threshold", "is_alert"]


def drawn(rows):
    return charts.drift(pd.DataFrame(rows, columns=COLUMNS))


def bars(svg):
    """The fills of the bars, in the order drawn."""
    return re.findall(r'id="patch_\d+">\s*<path [^>]*style="fill: (var\(--(?:first|second)\))', svg)


def test_drift_is_drawn_largest_first_with_alerts_in_another_colour():
    svg = drawn([
        ("churn", "input_drift", "calm", 0.1, 0.25, False),
        ("churn", "score_drift", "churn_probability", 0.4, 0.25, True),
        ("value", "input_drift", "age_days", 0.9, None, False),
        ("churn", "calibration_error", "churn_probability", 5.0, 0.1, True),
    ])  # fmt: skip
    assert bars(svg) == ["var(--first)", "var(--second)", "var(--first)"]
    places = [svg.index(name) for name in ("value: age_days", "churn: churn_probability", "churn: calm")]
    assert places == sorted(places)
    assert "nan" not in svg


@pytest.mark.parametrize("rows", [[], [("churn", "score_drift", "churn_probability", None, None, False)]])
def test_a_night_without_figures_has_an_empty_picture(rows):
    assert bars(drawn(rows)) == []


def test_only_the_largest_drifts_are_drawn():
    rows = [("churn", "input_drift", f"input {number}", number / 100, 0.25, False) for number in range(30)]
    assert len(bars(drawn(rows))) == charts.DRIFTS


def test_shares_are_told_in_per_cent_and_amounts_in_their_unit():
    shares = charts.calibration("churn", [[0.1, 0.2, 10.0], [0.9, 0.8, 10.0]], None)
    assert "100%" in shares
    assert 'aria-label="Calibration of the churn model"' in shares
    amounts = charts.calibration("value", [[0.0, 20.0, 10.0], [90_000.0, 0.0, 10.0]], "GBP")
    assert "predicted, GBP" in amounts
    assert "10k" in amounts
    assert "nan" not in amounts
