"""A linear classifier of short texts with calibrated probabilities, for one language."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.svm import LinearSVC
from sklearn.utils.multiclass import check_classification_targets, type_of_target, unique_labels
from sklearn.utils.validation import check_is_fitted

from ml.feedback.ngrams import NothingToCountError
from ml.feedback.views import View, make_views

Floats = npt.NDArray[np.float64]


class ReadsTexts(ClassifierMixin, BaseEstimator):
    """A classifier whose X is a sequence of texts."""

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        return tags


class TextClassifier(ReadsTexts):
    """Linear support vector machines, and a logistic regression that turns their margins into probabilities.

    Each view of the texts (`make_views`) has two machines. One sees n-grams weighted by TF-IDF, the other sees them
    weighted once more by how much likelier they are in a class than outside it (Wang, S. and Manning, C. (2012).
    Baselines and Bigrams. ACL, section 2.3). Probabilities come from margins of texts that the machines had not seen
    (Platt, J. (1999), section 2.2), so that they may be believed; how much each machine counts is learned there too
    (Wolpert, D. (1992). Stacked generalization. Neural Networks 5(2), 241-259).

    Parameters
    ----------
    language
        'zh' or 'en': which views.
    is_whole_only
        Whether whole texts alone are looked at, not their beginnings, ends and pairs of characters too.
    penalty, ratio_penalty
        C of a view's two machines.
    smoothing
        Added to the counts behind the ratios.
    count_folds
        Folds whose margins calibrate; fewer where a class has fewer texts.

    Attributes
    ----------
    classes_
        Labels, ordered.
    views_
        What looks at the texts; views that nothing can be seen by are left out.
    coefs_, intercepts_
        For each view weights (n-grams by machines) and offsets (one per machine).
    unseen_accuracy_
        Share of the texts that machines taught on the others label rightly.
    """

    def __init__(
        self,
        language: str = "zh",
        is_whole_only: bool = False,
        penalty: float = 0.5,
        ratio_penalty: float = 0.3,
        smoothing: float = 1.0,
        count_folds: int = 3,
    ) -> None:
        self.language = language
        self.is_whole_only = is_whole_only
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
        unseen = self._learn(texts, labels, weight, min(self.count_folds, rarest))
        self.calibrator_ = LogisticRegression(max_iter=1000).fit(unseen, labels)
        self.unseen_accuracy_ = float(np.mean(self.calibrator_.predict(unseen) == labels))
        return self

    def predict_proba(self, X: Sequence[str]) -> Floats:  # noqa: N803
        """Probabilities, texts by classes."""
        check_is_fitted(self, "coefs_")
        texts = _texts(X)
        if not texts:
            return np.empty((0, len(self.classes_)))
        seen = zip(self.views_, self.coefs_, self.intercepts_, strict=True)
        margins = [view.transform(texts) @ coef + intercept for view, coef, intercept in seen]
        return self.calibrator_.predict_proba(np.hstack(margins))

    def predict(self, X: Sequence[str]) -> npt.NDArray[Any]:  # noqa: N803
        """The likeliest label of each text."""
        return self.classes_[self.predict_proba(X).argmax(axis=1)]

    def _learn(self, texts: list[str], labels: npt.NDArray, weight: Floats, folds: int) -> Floats:
        """Teach each view its machines; return margins of texts that machines had not seen, texts by machines."""
        self.views_: list[View] = []
        self.coefs_, self.intercepts_, unseen = [], [], []
        for view in make_views(self.language, len(texts), self.is_whole_only):
            try:
                grams = view.fit_transform(texts).tocsr()
            except NothingToCountError:
                if self.views_:
                    continue  # texts of one character have no pairs
                raise
            unseen.append(self._unseen_margins(grams, labels, weight, folds))
            coef, intercept = self._machines(grams, labels, weight)
            self.views_.append(view)
            self.coefs_.append(coef)
            self.intercepts_.append(intercept)
        return np.hstack(unseen)

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
