"""Reading feedback: for each text its language, what it feels, how sure that is, and which needs it speaks of."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from ml.feedback.classifier import TextClassifier
from ml.feedback.seeds import seeds
from ml.feedback.text import LANGUAGES, fold, language_of
from ml.feedback.themes import OTHER, ThemeClassifier

SENTIMENTS = ("negative", "neutral", "positive")
UNKNOWN = "unknown"
LEAST_RATED = 200  # own rated texts of a language that carry a fit
LEAST_PER_CLASS = 20


class FeedbackReader(BaseEstimator):
    """A sentiment and a theme classifier for each language.

    A language learns from the customer's own rated texts where there are enough of them, with at least two sentiments;
    else from the shipped texts with what there is of its own (`is_fallback_` names such languages).

    Parameters
    ----------
    least_rated, least_per_class
        How many rated texts of a language, and of each sentiment, are enough.

    Attributes
    ----------
    sentiment_, themes_
        The classifiers by language.
    is_fallback_
        Whether each language learned from the shipped texts.
    """

    def __init__(self, least_rated: int = LEAST_RATED, least_per_class: int = LEAST_PER_CLASS) -> None:
        self.least_rated = least_rated
        self.least_per_class = least_per_class

    def fit(self, X: pd.DataFrame, y: object = None) -> FeedbackReader:  # noqa: N803
        """Fit on columns text_key, text, language, rated_sentiment (may be null) and rating_weight; rows in any order.

        Raises
        ------
        ValueError
            If a column is missing.
        """
        rows = prepared(X.sort_values("text_key"), ["rated_sentiment", "rating_weight"])
        self.sentiment_, self.themes_, self.is_fallback_, self.count_rated_ = {}, {}, {}, {}
        for language in LANGUAGES:
            of_language = rows[rows["letters"] == language].drop_duplicates("folded")
            own = of_language[of_language["rated_sentiment"].isin(SENTIMENTS)]
            taught, is_fallback = self._taught(own, language)
            self.sentiment_[language] = TextClassifier(language).fit(
                taught["text"].tolist(), taught["sentiment"].to_numpy(str), taught["weight"].to_numpy(float)
            )
            self.themes_[language] = ThemeClassifier(language).fit(of_language["folded"].tolist())
            self.is_fallback_[language], self.count_rated_[language] = is_fallback, len(own)
        return self

    def read(self, rows: pd.DataFrame, least_confidence: float) -> pd.DataFrame:
        """Columns language, sentiment, sentiment_confidence, theme and themes (a tuple), same index as `rows`.

        A text whose likeliest sentiment is less likely than `least_confidence` is 'unknown', its confidence stays. A
        text without letters of a known language is unknown, with confidence 0 and the theme 'other'.
        """
        check_is_fitted(self, "sentiment_")
        rows = prepared(rows, [])
        told = pd.DataFrame(
            {"language": rows["letters"], "sentiment": UNKNOWN, "sentiment_confidence": 0.0, "theme": OTHER},
            index=rows.index,
        )
        told["themes"] = [(OTHER,)] * len(told)
        for language in LANGUAGES:
            chosen = (rows["letters"] == language).to_numpy()
            if chosen.any():
                texts = rows.loc[chosen, "folded"].tolist()
                chances = self.sentiment_[language].predict_proba(texts)
                best = chances.max(axis=1)
                names = self.sentiment_[language].classes_[chances.argmax(axis=1)]
                told.loc[chosen, "sentiment"] = np.where(best >= least_confidence, names, UNKNOWN)
                told.loc[chosen, "sentiment_confidence"] = best
                themes = pd.Series(self.themes_[language].themes(texts), index=rows.index[chosen], dtype=object)
                told.loc[chosen, "themes"] = themes
                told.loc[chosen, "theme"] = themes.map(lambda names: names[0])
        return told

    def _taught(self, own: pd.DataFrame, language: str) -> tuple[pd.DataFrame, bool]:
        rated = pd.DataFrame(
            {"text": own["folded"], "sentiment": own["rated_sentiment"], "weight": own["rating_weight"].fillna(1.0)}
        )
        counts = rated["sentiment"].value_counts()
        enough = rated[rated["sentiment"].isin(counts.index[counts >= self.least_per_class])]
        if len(enough) >= self.least_rated and enough["sentiment"].nunique() > 1:
            return enough, False
        return pd.concat([seeds(language), rated], ignore_index=True).drop_duplicates("text", keep="last"), True


def prepared(rows: pd.DataFrame, more: list[str]) -> pd.DataFrame:
    """The rows with their folded text and the language of their letters, and the columns `more`.

    Raises
    ------
    ValueError
        If a column is missing.
    """
    missing = [name for name in ("text", "language", *more) if name not in rows.columns]
    if missing:
        raise ValueError(f"missing columns: {', '.join(missing)}")
    folded = [fold(text) for text in rows["text"]]
    told: list[Any] = [language if isinstance(language, str) else None for language in rows["language"]]
    letters = [language_of(text, language) for text, language in zip(folded, told, strict=True)]
    return rows[more].assign(folded=folded, letters=letters)
