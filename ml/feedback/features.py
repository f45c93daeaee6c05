"""`ml_features.ftr_feedback_texts` in: texts to learn from, and texts that a version of the model has not read."""

from __future__ import annotations

from datetime import date

import pandas as pd

from kehu.warehouse.tables import connect, read_frame
from ml.tables import FeatureError, require_grain

TRAINING = """
select text_key, text, language, first_said_at, rated_sentiment, rating_weight
from ml_features.ftr_feedback_texts
where is_training
order by rated_sentiment is null, text_key
limit coalesce((select min(most_training_texts) from ml_features.ftr_feedback_texts), 0)
"""
UNREAD = """
select text_key, text, language, scored_at
from ml_features.ftr_feedback_texts as texts
where
    not exists (
        select from ml.feedback_scores as scores
        where scores.text_key = texts.text_key and scores.model_version = $1
    )
order by text_key
limit 50000
"""
NIGHT = "select distinct as_of_date, least_confidence from ml_features.ftr_feedback_texts"


def read_least_confidence(url: str, as_of_date: date) -> float | None:
    """The night's threshold of confidence, None where nobody wrote anything.

    Raises
    ------
    FeatureError
        If the table holds another night's texts: a later run has built it anew.
    """
    nights = read_frame(url, NIGHT)
    if nights.empty:
        return None
    others = set(nights["as_of_date"]) - {as_of_date}
    if others:
        raise FeatureError(f"the feature table holds the night of {min(others)}, not of {as_of_date}")
    return float(nights["least_confidence"].iloc[0])


def read_training(url: str) -> pd.DataFrame:
    """Texts said before the night's week, one row each, in the order of their keys; rated ones come before others."""
    frame = read_frame(url, TRAINING)
    require_grain(frame, ["text_key"])
    return frame.sort_values("text_key", ignore_index=True)


def read_unread(url: str, model_version: str) -> pd.DataFrame:
    """Up to 50,000 texts that this version has not read, in the order of their keys; call again until it is empty."""
    with connect(url) as connection, connection.cursor() as cursor:
        cursor.execute(UNREAD, [model_version])
        return cursor.fetch_arrow_table().to_pandas()
