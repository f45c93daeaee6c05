"""RFM scores by fifths and the segments analysts name them by.

Scores follow the usual direct-marketing practice (Hughes, A. M. (1994). Strategic Database Marketing): customers are
ranked on recency, frequency and money apart, and cut into fifths; 5 is best. Customers with equal values always get
the same score, so fifths may differ in size. Segments are read off recency and the mean of the other two.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

FIFTHS = 5
# (least recency score, most recency score, least frequency-and-money, most, name); the first rule that holds wins.
RULES: tuple[tuple[int, int, float, float, str], ...] = (
    (4, 5, 4.5, 5.0, "Champions"),
    (3, 5, 3.5, 5.0, "Loyal"),
    (4, 5, 2.0, 3.5, "Potential loyalists"),
    (4, 5, 1.0, 2.0, "New or light"),
    (3, 3, 2.0, 3.5, "Need attention"),
    (3, 3, 1.0, 2.0, "About to sleep"),
    (1, 2, 4.5, 5.0, "Can't lose"),
    (1, 2, 3.0, 4.5, "At risk"),
    (1, 2, 1.0, 3.0, "Hibernating"),
)
SEGMENTS = tuple(rule[-1] for rule in RULES)


def score_rfm(frame: pd.DataFrame) -> pd.DataFrame:
    """RFM scores (1 to 5) and the segment of each row of a snapshot frame, same index."""
    scores = pd.DataFrame(
        {
            "recency_score": fifths(-frame["days_since_last_purchase"]),
            "frequency_score": fifths(frame["count_repeat_purchases"]),
            "monetary_score": fifths(frame["purchase_amount"] + frame["returned_amount"]),
        },
        index=frame.index,
    )
    depth = (scores["frequency_score"] + scores["monetary_score"]) / 2
    scores["segment"] = [name_of(r, fm) for r, fm in zip(scores["recency_score"], depth, strict=True)]
    return scores


def fifths(values: pd.Series) -> pd.Series:
    """The fifth (1 to 5) each value's share of smaller values falls into; equal values share a fifth."""
    share_below = (values.rank(method="min") - 1) / max(len(values), 1)
    return pd.Series(np.floor(share_below * FIFTHS) + 1, index=values.index).astype(int)


def name_of(recency: int, depth: float) -> str:
    """The segment of a recency score and a mean of frequency and monetary score."""
    for least_r, most_r, least_fm, most_fm, name in RULES:
        if least_r <= recency <= most_r and least_fm <= depth <= most_fm:
            return name
    raise ValueError(f"no segment for recency {recency} and depth {depth}")
