"""A linear classifier of short texts with calibrated probabilities, for one language."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.svm import LinearSVC
from sklearn.utils.multiclass import check_classification_targets, type_of_target, unique_labels
from sklearn.utils.validation import check_is_fitted

from ml.feedback.ngrams import NothingToCountError
from ml.feedback.views import View, make_views

Floats = npt.NDArray[np.float64]
Machines = tuple[Floats, Floats]  # of one view: weights, n-grams by machines, and offsets


class ReadsTexts(ClassifierMixin, BaseEstimator):
    """A classifier whose X is a sequence of texts."""

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        return tags


class TextClassifier(ReadsTexts):
    """Linear support vector machines, and a logistic regression that turns their margins into probabilities.

    Each view of the texts (`make_views`) has three machines. Two see n-grams weighted by TF-IDF, one of them held more
    tightly; the third sees them weighted once more by how much likelier they are in a class than outside it (Wang, S.
    and Manning, C. (2012). Baselines and Bigrams. ACL, section 2.3). Probabilities come from margins of texts that the
    machines had not seen (Platt, J. (1999), section 2.2), so that they may be believed; how much each machine counts
    is learned there too (Wolpert, D. (1992). Stacked generalization. Neural Networks 5(2), 241-259).

    Parameters
    ----------
    language
        'zh' or 'en': which views.
    is_whole_only
        Whether whole texts alone are looked at, not their first and last clauses and pairs of characters too.
    penalty, tight_penalty, ratio_penalty
        C of a view's three machines.
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
    weights_, offset_
        For each view weights (n-grams by classes, by one column where there are two), and what is added to their sum:
        machines and logistic regression are linear, and so one.
    unseen_accuracy_
        Share of the texts that machines taught on the others label rightly.
    """

    def __init__(
        self,
        language: str = "zh",
        is_whole_only: bool = False,
        penalty: float = 0.5,
        tight_penalty: float = 0.1,
        ratio_penalty: float = 0.3,
        smoothing: float = 1.0,
        count_folds: int = 3,
    ) -> None:
        self.language = language
        self.is_whole_only = is_whole_only
        self.penalty = penalty
        self.tight_penalty = tight_penalty
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
        machines, unseen = self._learn(texts, labels, weight, min(self.count_folds, rarest))
        calibrator = LogisticRegression(max_iter=1000).fit(unseen, labels)
        self.unseen_accuracy_ = float(np.mean(calibrator.predict(unseen) == labels))
        parts = np.split(calibrator.coef_.T, np.cumsum([len(intercept) for _, intercept in machines])[:-1])
        self.weights_ = [coef @ part for (coef, _), part in zip(machines, parts, strict=True)]
        offsets = (intercept @ part for (_, intercept), part in zip(machines, parts, strict=True))
        self.offset_ = sum(offsets, start=calibrator.intercept_)
        return self

    def predict_proba(self, X: Sequence[str]) -> Floats:  # noqa: N803
        """Probabilities, texts by classes."""
        check_is_fitted(self, "weights_")
        texts = _texts(X)
        if not texts:
            return np.empty((0, len(self.classes_)))
        seen = zip(self.views_, self.weights_, strict=True)
        margins = sum((view.transform(texts) @ weights for view, weights in seen), start=self.offset_[None, :])
        if len(self.classes_) == 2:
            margins = np.hstack([np.zeros_like(margins), margins])
        return softmax(margins, axis=1)

    def predict(self, X: Sequence[str]) -> npt.NDArray[Any]:  # noqa: N803
        """The likeliest label of each text."""
        return self.classes_[self.predict_proba(X).argmax(axis=1)]

    def _learn(
        self, texts: list[str], labels: npt.NDArray, weight: Floats, folds: int
    ) -> tuple[list[Machines], Floats]:
        """Teach each view its machines; return them, and margins of texts that machines had not seen."""
        self.views_: list[View] = []
        machines, unseen = [], []
        for view in make_views(self.language, len(texts), self.is_whole_only):
            try:
                grams = view.fit_transform(texts).tocsr()
            except NothingToCountError:
                if self.views_:
                    continue  # texts of one character have no pairs
                raise
            self.views_.append(view)
            machines.append(self._machines(grams, labels, weight))
            unseen.append(self._unseen_margins(grams, labels, weight, folds))
        return machines, np.hstack(unseen)

    def _unseen_margins(self, grams: sp.csr_matrix, labels: npt.NDArray, weight: Floats, folds: int) -> Floats:
        splits = StratifiedKFold(folds, shuffle=True, random_state=0).split(np.zeros(len(labels)), labels)
        margins = None
        for seen, unseen in splits:
            coef, intercept = self._machines(grams[seen], labels[seen], weight[seen])
            margins = np.empty((len(labels), len(intercept))) if margins is None else margins
            margins[unseen] = grams[unseen] @ coef + intercept
        assert margins is not None
        return margins

    def _machines(self, grams: sp.csr_matrix, labels: npt.NDArray, weight: Floats) -> Machines:
        coefs, intercepts = [], []
        # Of two classes the second against the first says all.
        for name in self.classes_[-1:] if len(self.classes_) == 2 else self.classes_:
            target = labels == name
            ratios = self._ratios(grams, target)
            plain = np.ones_like(ratios)
            kinds = [(self.penalty, plain), (self.tight_penalty, plain), (self.ratio_penalty, ratios)]
            for penalty, scale in kinds:
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
