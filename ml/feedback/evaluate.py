"""How well feelings are read: on texts that came after those a model learned from, at several dates."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np
import pandas as pd

from ml.feedback.model import UNKNOWN, FeedbackReader

BINS = 10


def back_test(rows: pd.DataFrame, cuts: Sequence[datetime], least_confidence: float) -> pd.DataFrame:
    """One row per cut: what a reader taught before it makes of the rated texts up to the next cut (or the end).

    `rows` as for `FeedbackReader.fit`, with first_said_at. Cuts with nothing rated on one of the sides are left out.
    """
    measured = []
    for number, cut in enumerate(cuts):
        before = rows[rows["first_said_at"] < cut]
        after = rows[(rows["first_said_at"] >= cut) & rows["rated_sentiment"].notna()]
        if number + 1 < len(cuts):
            after = after[after["first_said_at"] < cuts[number + 1]]
        if len(after) and before["rated_sentiment"].notna().any():
            told = FeedbackReader().fit(before).read(after, least_confidence)
            measured.append({"cut": cut, **measures(told, after["rated_sentiment"])})
    return pd.DataFrame(measured)


def measures(told: pd.DataFrame, actual: pd.Series) -> dict[str, float]:
    """Share of texts told at all, accuracy among them, and calibration error of what was told."""
    is_told = (told["sentiment"] != UNKNOWN).to_numpy()
    right = (told["sentiment"] == actual).to_numpy()[is_told]
    confidence = told["sentiment_confidence"].to_numpy()[is_told]
    return {
        "count_texts": float(len(told)),
        "share_told": float(is_told.mean()),
        "accuracy_told": float(right.mean()) if len(right) else float("nan"),
        "calibration_error": calibration_error(confidence, right),
    }


def calibration_error(confidence: np.ndarray, right: np.ndarray) -> float:
    """Expected calibration error over ten bins of equal width (Guo, C. et al. (2017), section 2, equation 3)."""
    if not len(right):
        return float("nan")
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    gaps = [abs(right[bins == b].mean() - confidence[bins == b].mean()) * (bins == b).mean() for b in np.unique(bins)]
    return float(np.sum(gaps))
