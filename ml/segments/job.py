"""The nightly segment job: features in, RFM scores and segments out."""

from __future__ import annotations

from datetime import date

import pandas as pd

from kehu.warehouse.runs import Counts
from kehu.warehouse.tables import replace_night
from ml.fits import Fit, save_fit
from ml.segments.model import score_rfm
from ml.tables import night_and_before, read_snapshots

MODEL_VERSION = "rfm-1"


def score(url: str, as_of_date: date) -> Counts:
    """Score the night, and the comparison date by the same rules among the customers of that time."""
    snapshots = read_snapshots(url, as_of_date)
    if snapshots.empty:
        return Counts(0, 0)
    night, before = night_and_before(snapshots)
    note = "RFM by fifths of the night's customers; previous segments are those of the comparison date."
    save_fit(url, as_of_date, Fit("segments", MODEL_VERSION, "rfm", False, note, len(night)))
    written = replace_night(url, "ml", "customer_segments", score_frame(night, before), as_of_date)
    return Counts(len(night), written)


def score_frame(night: pd.DataFrame, before: pd.DataFrame) -> pd.DataFrame:
    """Rows of `ml.customer_segments`, ordered by customer."""
    scores = score_rfm(night)
    scores["previous_segment"] = score_rfm(before)["segment"].reindex(night.index)
    scores["as_of_date"] = night["as_of_date"]
    scores["model_version"] = MODEL_VERSION
    scores["scored_at"] = night["scored_at"]
    return scores.rename_axis("customer_id").reset_index()
