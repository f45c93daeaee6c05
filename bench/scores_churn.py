"""Churn on the sample by time: against recency, the purchase process and logistic regression; reasons and costs.

`python -m bench.scores_churn` builds one night of the sample, so that the features are those of the real night.
"""

from __future__ import annotations

import json
import time

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from threadpoolctl import threadpool_limits

from bench.identity_run import peak_mb
from bench.night import installation, measure_night
from kehu.paths import PROJECT
from kehu.sources.config import load
from kehu.sources.nights import newest_night
from ml.churn.evaluate import BackTest, per_date, walk_forward
from ml.churn.evaluate import measure as measure_back_test
from ml.churn.features import COLUMNS, LABEL, read_features, read_movements
from ml.churn.leaks import find_leaks
from ml.churn.process import add_process
from ml.churn.reasons import reasons_of
from ml.churn.rederive import rederive
from ml.churn.train import fit_churn, labelled, predict_churn
from ml.measures import roc_auc

DRAWS = 500
MILLION = 1_000_000
# Plain logistic regression on the usual columns, as an analyst would write it first.
RFM = ["days_since_last_purchase", "count_repeat_purchases", "age_days", "recency_days", "purchase_amount"]


def measure(snapshots: pd.DataFrame | None = None, movements: pd.DataFrame | None = None, rows: int = MILLION) -> dict:
    """Figures of the churn question; without tables one night of the sample is built for them."""
    if snapshots is None or movements is None:
        sources = PROJECT / "sources.yml"
        day = newest_night(load(sources))
        with installation(sources) as bench:
            measure_night(bench, day)
            snapshots, movements = read_features(bench.url, day), read_movements(bench.url)
    with threadpool_limits(1):
        return _measure(snapshots, movements, rows)


def _measure(snapshots: pd.DataFrame, movements: pd.DataFrame, count: int) -> dict:
    horizon = int(snapshots["churn_horizon_days"].iloc[0])
    began = time.process_time()
    ordered = add_process(labelled(snapshots))
    test = walk_forward(ordered, horizon)
    seconds = time.process_time() - began
    figures = {
        name: [round(value, 4) for value in (found.value, found.lower, found.upper)]
        for name, found in measure_back_test(test, DRAWS).items()
    }
    night = snapshots[snapshots["snapshot_date"] == snapshots["as_of_date"]]
    rows = snapshots[snapshots[LABEL].notna()]
    return {
        "dates": [str(day) for day in test.dates],
        "value_lower_upper": figures,
        "roc_auc_plain_logistic": round(_plain(ordered, test, horizon), 4),
        "per_date": json.loads(per_date(test).round(4).to_json(orient="records", date_format="iso")),
        "alarms_on_the_honest_features": len(find_leaks(rows, COLUMNS, night, rederive(movements, horizon))),
        "back_test_cpu_seconds": round(seconds, 1),
        **_costs(ordered, night, count),
    }


def _plain(rows: pd.DataFrame, test: BackTest, horizon: int) -> float:
    found = []
    for day in test.dates:
        earlier = rows[rows["snapshot_date"] <= day - pd.Timedelta(days=horizon).to_pytimedelta()]
        then = rows[rows["snapshot_date"] == day]
        model = make_pipeline(FunctionTransformer(np.log1p), StandardScaler(), LogisticRegression(max_iter=1000))
        model.fit(earlier[RFM].clip(lower=0), earlier[LABEL].astype(bool))
        found.append(roc_auc(then[LABEL].astype(bool), model.predict_proba(then[RFM].clip(lower=0))[:, 1]))
    return float(np.mean(found))


def _costs(ordered: pd.DataFrame, night: pd.DataFrame, count: int) -> dict:
    """CPU seconds to fit, and to score `count` customers, the night's repeated; peak memory of all."""
    began = time.process_time()
    model = fit_churn(ordered)
    fitted = time.process_time() - began
    many = night.iloc[np.arange(count) % len(night)].reset_index(drop=True)
    began = time.process_time()
    many = add_process(many)
    predict_churn(model, many)
    scored = time.process_time() - began
    began = time.process_time()
    reasons_of(model, many)
    return {
        "fit_cpu_seconds": round(fitted, 1),
        "scored_rows": count,
        "score_cpu_seconds": round(scored, 1),
        "reasons_cpu_seconds": round(time.process_time() - began, 1),
        "peak_mb": peak_mb(),
    }


if __name__ == "__main__":
    print(json.dumps(measure(), indent=1))
