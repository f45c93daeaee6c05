"""The ways in which a text is looked at: each counts n-grams of its own, weighted by TF-IDF."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.feature_extraction.text import TfidfTransformer, TfidfVectorizer
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline

from ml.feedback.ngrams import CharNgrams, CharPairs

View: TypeAlias = Pipeline | FeatureUnion
RARE = 2  # an n-gram of fewer texts is left out, once there are MANY texts
MANY = 1000
LONGEST = 5  # Chinese characters of an n-gram
LONGEST_IN_CLAUSE = 4
FARTHEST = 20  # places between two Chinese characters that are a pair
WORD = r"(?u)\b\w[\w']*\b"
BREAK = "\n"
BREAKS = str.maketrans(dict.fromkeys(" ,.!?;:~…、。", BREAK))  # of folded texts


class Clause(TransformerMixin, BaseEstimator):
    """The first clause of each text, or the last: who writes a review often says it all there.

    Parameters
    ----------
    is_last
        Which.
    """

    def __init__(self, is_last: bool = False) -> None:
        self.is_last = is_last

    def fit(self, X: Sequence[str], y: object = None) -> Clause:  # noqa: ARG002, N803
        """Nothing is learned."""
        return self

    def transform(self, X: Sequence[str]) -> list[str]:  # noqa: N803
        """The clauses, a text each; empty where there is nothing but punctuation."""
        texts = (text.translate(BREAKS).strip(BREAK) for text in X)
        return [text.rsplit(BREAK, 1)[-1] if self.is_last else text.split(BREAK, 1)[0] for text in texts]

    def __sklearn_is_fitted__(self) -> bool:
        return True


def make_views(language: str, count_texts: int, is_whole_only: bool = False) -> list[View]:
    """The views of a language, the whole text first; what else there is says nothing of a text that the first cannot.

    Chinese writes no spaces: character n-grams of the whole text, of its first and of its last clause, and pairs of
    characters that stand apart. English: words and parts of words.
    """
    least = RARE if count_texts >= MANY else 1
    if language != "zh":
        return [_words_and_parts(least)]
    whole = _weighted(CharNgrams(LONGEST, least))
    if is_whole_only:
        return [whole]
    clauses = [_weighted(Clause(is_last), CharNgrams(LONGEST_IN_CLAUSE, least)) for is_last in (False, True)]
    return [whole, _weighted(CharPairs(FARTHEST, least)), *clauses]


def _weighted(*steps: Any) -> Pipeline:
    return make_pipeline(*steps, TfidfTransformer(sublinear_tf=True))


def _words_and_parts(least_texts: int) -> FeatureUnion:
    common: dict[str, Any] = {"sublinear_tf": True, "lowercase": False, "min_df": least_texts, "dtype": np.float32}
    words = common | {"min_df": 1}
    return FeatureUnion(
        [
            ("words", TfidfVectorizer(ngram_range=(1, 2), token_pattern=WORD, **words)),
            ("parts", TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), **common)),
        ]
    )
