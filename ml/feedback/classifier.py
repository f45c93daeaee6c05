"""A linear classifier of short texts with calibrated probabilities, for one language."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.feature_extraction.text import TfidfTransformer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.svm import LinearSVC
from sklearn.utils.multiclass import check_classification_targets, type_of_target, unique_labels
from sklearn.utils.validation import check_is_fitted

from ml.feedback.ngrams import CharNgrams

Floats = npt.NDArray[np.float64]
RARE = 2  # an n-gram of fewer texts is left out, once there are MANY texts
MANY = 1000
LONGEST = 5  # Chinese characters of an n-gram
WORD = r"(?u)\b\w[\w']*\b"


def make_vectorizer(language: str, count_texts: int) -> Pipeline | FeatureUnion:
    """Weighted character n-grams for Chinese, which writes no spaces; words and parts of words for English."""
    least_texts = RARE if count_texts >= MANY else 1
    if language == "zh":
        return make_pipeline(CharNgrams(LONGEST, least_texts), TfidfTransformer(sublinear_tf=True))
    common: dict[str, Any] = {"sublinear_tf": True, "lowercase": False, "min_df": least_texts, "dtype": np.float32}
    words = common | {"min_df": 1}
    return FeatureUnion(
        [
            ("words", TfidfVectorizer(ngram_range=(1, 2), token_pattern=WORD, **words)),
            ("parts", TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), **common)),
        ]
    )


class ReadsTexts(ClassifierMixin, BaseEstimator):
    """A classifier whose X is a sequence of texts."""

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        return tags


class TextClassifier(ReadsTexts):
    """Two linear support vector machines, and a logistic regression that turns their margins into probabilities.

    One machine sees n-grams weighted by TF-IDF, the other sees them weighted once more by how much likelier they are
    in a class than outside it (Wang, S. and Manning, C. (2012). Baselines and Bigrams. ACL, section 2.3). Probabilities
    come from margins of texts that the machines had not seen (Platt, J. (1999), section 2.2), so that they may be
    believed; how much each machine counts is learned there too.

    Parameters
    ----------
    language
        'zh' or 'en': which n-grams.
    penalty, ratio_penalty
        C of the two machines.
    smoothing
        Added to the counts behind the ratios.
    count_folds
        Folds whose margins calibrate; fewer where a class has fewer texts.

    Attributes
    ----------
    classes_
        Labels, ordered.
    coef_, intercept_
        Weights (n-grams by machines) and offsets (one per machine).
    unseen_accuracy_
        Share of the texts that machines taught on the others label rightly.
    """

    def __init__(
        self,
        language: str = "zh",
        penalty: float = 0.5,
        ratio_penalty: float = 0.3,
        smoothing: float = 1.0,
        count_folds: int = 3,
    ) -> None:
        self.language = language
        self.penalty = penalty
        self.ratio_penalty = ratio_penalty
        self.smoothing = smoothing
        self.count_folds = count_folds

    def fit(self, X: Sequence[str], y: npt.ArrayLike, sample_weight: Floats | None = None) -> TextClassifier:  # noqa: N803
        """Fit on folded texts; rows in the order of a key, since machines see them in order.

        Raises
        ------
        ValueError
            If there are not two classes of two texts, lengths differ, or X is no sequence of texts.
        """
        texts, labels = _texts(X), np.asarray(y)
        check_classification_targets(labels)
        if len(texts) != len(labels):
            raise ValueError(f"{len(texts)} texts and {len(labels)} labels")
        self.classes_ = unique_labels(labels)
        rarest = min(int((labels == name).sum()) for name in self.classes_)
        if len(self.classes_) < 2 or rarest < 2:
            raise ValueError(
                f"a {type_of_target(labels)} target with {len(self.classes_)} classes, the rarest {rarest}"
            )
        weight = np.ones(len(texts)) if sample_weight is None else np.asarray(sample_weight, dtype=float)
        self.vectorizer_ = make_vectorizer(self.language, len(texts))
        grams = self.vectorizer_.fit_transform(texts).tocsr()
        unseen = self._unseen_margins(grams, labels, weight, min(self.count_folds, rarest))
        self.calibrator_ = LogisticRegression(max_iter=1000).fit(unseen, labels)
        self.unseen_accuracy_ = float(np.mean(self.calibrator_.predict(unseen) == labels))
        self.coef_, self.intercept_ = self._machines(grams, labels, weight)
        return self

    def predict_proba(self, X: Sequence[str]) -> Floats:  # noqa: N803
        """Probabilities, texts by classes."""
        check_is_fitted(self, "coef_")
        texts = _texts(X)
        if not texts:
            return np.empty((0, len(self.classes_)))
        margins = self.vectorizer_.transform(texts) @ self.coef_ + self.intercept_
        return self.calibrator_.predict_proba(margins)

    def predict(self, X: Sequence[str]) -> npt.NDArray[Any]:  # noqa: N803
        """The likeliest label of each text."""
        return self.classes_[self.predict_proba(X).argmax(axis=1)]

    def _unseen_margins(self, grams: sp.csr_matrix, labels: npt.NDArray, weight: Floats, folds: int) -> Floats:
        splits = StratifiedKFold(folds, shuffle=True, random_state=0).split(np.zeros(len(labels)), labels)
        margins = None
        for seen, unseen in splits:
            coef, intercept = self._machines(grams[seen], labels[seen], weight[seen])
            margins = np.empty((len(labels), len(intercept))) if margins is None else margins
            margins[unseen] = grams[unseen] @ coef + intercept
        assert margins is not None
        return margins

    def _machines(self, grams: sp.csr_matrix, labels: npt.NDArray, weight: Floats) -> tuple[Floats, Floats]:
        coefs, intercepts = [], []
        # Of two classes the second against the first says all.
        for name in self.classes_[-1:] if len(self.classes_) == 2 else self.classes_:
            target = labels == name
            ratios = self._ratios(grams, target)
            for scale, penalty in ((np.ones_like(ratios), self.penalty), (ratios, self.ratio_penalty)):
                machine = LinearSVC(C=penalty, random_state=0, max_iter=3000)
                machine.fit(sp.csr_matrix(grams.multiply(scale)), target, sample_weight=weight)
                coefs.append(machine.coef_[0] * scale)
                intercepts.append(float(machine.intercept_[0]))
        return np.column_stack(coefs), np.array(intercepts)

    def _ratios(self, grams: sp.csr_matrix, target: npt.NDArray[np.bool_]) -> Floats:
        present = (grams > 0).astype(np.float32)
        inside = np.asarray(present[target].sum(axis=0)).ravel() + self.smoothing
        outside = np.asarray(present[~target].sum(axis=0)).ravel() + self.smoothing
        return np.log((inside / inside.sum()) / (outside / outside.sum()))


def _texts(values: Sequence[str]) -> list[str]:
    if isinstance(values, str) or not all(isinstance(value, str) for value in values):
        raise ValueError("X is to be a sequence of texts")
    return list(values)
