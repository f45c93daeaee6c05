"""The nightly feedback job: learn from rated texts of before the night's week, read texts that were not read yet."""

from __future__ import annotations

import hashlib
from datetime import date

import pandas as pd
import pyarrow as pa

from kehu.warehouse.runs import Counts
from kehu.warehouse.tables import append, connect
from ml.feedback.features import read_least_confidence, read_training, read_unread
from ml.feedback.model import FeedbackReader
from ml.fits import Fit, save_fit

CODE_VERSION = "feedback-4"
SAME_FIT = """
insert into ml.fits
select $1::date, model, model_version, method, is_fallback, note, count_customers, parameters, metrics
from ml.fits
where model = 'feedback' and model_version = $2 and as_of_date <> $1::date
order by as_of_date desc
limit 1
"""


def score(url: str, as_of_date: date) -> Counts:
    """Learn, read what is unread by this version, forget what other versions read and texts that are gone."""
    least_confidence = read_least_confidence(url, as_of_date)
    if least_confidence is None:
        return Counts(0, 0)
    rows = read_training(url)
    version = version_of(rows, least_confidence)
    unread = read_unread(url, version)
    if unread.empty and _same_fit(url, as_of_date, version):
        _forget(url, version)
        return Counts(0, 0)
    reader, fit = train(rows, version)
    save_fit(url, as_of_date, fit)
    written = 0
    while not unread.empty:
        written += _write(url, score_frame(reader, unread, least_confidence, version))
        unread = read_unread(url, version)
    _forget(url, version)
    return Counts(written, written)


def version_of(rows: pd.DataFrame, least_confidence: float) -> str:
    """The model's version: its code, what it learned from, and the threshold; no text is in it."""
    known = hashlib.sha256(f"{least_confidence!r}\n".encode())
    for row in rows.sort_values("text_key")[["text_key", "language", "rated_sentiment", "rating_weight"]].itertuples():
        known.update(f"{row.text_key} {row.language} {row.rated_sentiment} {row.rating_weight}\n".encode())
    return f"{CODE_VERSION}-{known.hexdigest()[:12]}"


def train(rows: pd.DataFrame, version: str) -> tuple[FeedbackReader, Fit]:
    """A reader and its description."""
    reader = FeedbackReader().fit(rows)
    taught = [f"{count} rated texts in {language}" for language, count in sorted(reader.count_rated_.items())]
    lent = [language for language, is_fallback in sorted(reader.is_fallback_.items()) if is_fallback]
    note = f"Learned from {' and '.join(taught)}, of before the night's week."
    if lent:
        note += f" Too few for {' and '.join(lent)}: shipped texts teach too, so its confidence is not calibrated here."
    metrics = {f"count_rated_{language}": float(count) for language, count in reader.count_rated_.items()}
    # Shipped texts are easier than a customer's: a measure that counts them would promise too much.
    own = [language for language in reader.sentiment_ if not reader.is_fallback_[language]]
    metrics |= {f"accuracy_unseen_{language}": reader.sentiment_[language].unseen_accuracy_ for language in own}
    return reader, Fit("feedback", version, "linear_ngrams", bool(lent), note, len(rows), {}, metrics)


def score_frame(reader: FeedbackReader, rows: pd.DataFrame, least_confidence: float, version: str) -> pd.DataFrame:
    """Rows of `ml.feedback_scores`, ordered by text_key."""
    told = reader.read(rows, least_confidence)
    told["themes"] = told["themes"].map("|".join)
    told.insert(0, "text_key", rows["text_key"])
    told["model_version"] = version
    told["scored_at"] = rows["scored_at"]
    return told.sort_values("text_key", ignore_index=True)


def _write(url: str, frame: pd.DataFrame) -> int:
    with connect(url) as connection:
        return append(connection, "ml", "feedback_scores", pa.Table.from_pandas(frame, preserve_index=False))


def _same_fit(url: str, as_of_date: date, version: str) -> bool:
    """Write down the night's fit as that of an earlier night with the same version; false where there is none."""
    night = as_of_date.isoformat()
    with connect(url) as connection, connection.cursor() as cursor:
        cursor.execute("select 1 from ml.fits where model = 'feedback' and model_version = $1", [version])
        if cursor.fetchone() is None:
            return False
        cursor.execute(
            "delete from ml.fits where model = 'feedback' and as_of_date = $1::date and model_version <> $2",
            [night, version],
        )
        cursor.execute(SAME_FIT + " on conflict do nothing", [night, version])
    return True


def _forget(url: str, version: str) -> None:
    # Scores of texts that are gone tell of what was said; other versions' can be made again.
    with connect(url) as connection, connection.cursor() as cursor:
        cursor.execute("delete from ml.feedback_scores where model_version <> $1", [version])
        cursor.execute(
            "delete from ml.feedback_scores as scores where not exists"
            " (select from ml_features.ftr_feedback_texts as texts where texts.text_key = scores.text_key)"
        )
