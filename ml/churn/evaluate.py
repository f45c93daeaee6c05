"""How good the churn model is on the newest closed window, which its evaluation fit has not seen."""

from __future__ import annotations

import pandas as pd
from sklearn.metrics import brier_score_loss, roc_auc_score

from ml.churn.model import fit_churn_model, has_enough, predict_churn


def back_test(rows: pd.DataFrame) -> dict[str, float]:
    """Fit on all closed windows but the newest, measure on the newest.

    Returns ROC AUC, Brier score, predicted over actual churners, and AUC of recency alone; empty where the earlier
    windows do not carry a fit or the newest has one outcome only.
    """
    newest = rows["snapshot_date"].max()
    earlier, held_out = rows[rows["snapshot_date"] < newest], rows[rows["snapshot_date"] == newest]
    outcome = held_out["has_churned"].astype(bool)
    if not has_enough(earlier) or outcome.nunique() < 2:
        return {}
    predicted = predict_churn(fit_churn_model(earlier), held_out)
    return {
        "roc_auc": float(roc_auc_score(outcome, predicted)),
        "roc_auc_recency_only": float(roc_auc_score(outcome, held_out["days_since_last_purchase"])),
        "brier_score": float(brier_score_loss(outcome, predicted)),
        "brier_score_base_rate": float(brier_score_loss(outcome, [float(outcome.mean())] * len(outcome))),
        "predicted_over_actual": float(predicted.sum() / outcome.sum()),
        "count_held_out": float(len(held_out)),
    }
