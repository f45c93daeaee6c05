"""Which needs a text speaks of: the lexicon's words where there are some, what their company taught elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.utils.validation import check_is_fitted

from ml.feedback.classifier import ReadsTexts, TextClassifier
from ml.feedback.lexicon import patterns, shipped

OTHER = "other"


class ThemeClassifier(ReadsTexts):
    """Needs in texts of one language, taught by words instead of labels.

    Texts in which the lexicon finds exactly one need stand for that need, with the words that gave it away taken out,
    so that the classifier learns their company (seed words as in Meng, Y. et al. (2018). Weakly-Supervised Neural
    Text Classification. CIKM, section 4, with a linear classifier). It decides where the lexicon finds several needs
    or none.

    Parameters
    ----------
    language
        'zh' or 'en'.
    least_probability
        Below it a text without a word of the lexicon speaks of something else.
    least_texts
        A need with fewer texts to learn from is known by its words only.

    Attributes
    ----------
    classes_
        The needs, ordered, with 'other'.
    company_
        The classifier, or None where there was too little to learn from.
    """

    def __init__(self, language: str = "zh", least_probability: float = 0.6, least_texts: int = 20) -> None:
        self.language = language
        self.least_probability = least_probability
        self.least_texts = least_texts

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = False
        return tags

    def fit(self, X: Sequence[str], y: object = None) -> ThemeClassifier:  # noqa: N803
        """Learn from folded texts; `y` is not read."""
        themes = sorted(shipped().themes)
        self.classes_ = np.array(sorted([*themes, OTHER]))
        found = self._found(X)
        single = [row for row, names in enumerate(found) if len(names) == 1]
        label = np.array([found[row][0] for row in single], dtype=object)
        taught = [name for name in themes if (label == name).sum() >= self.least_texts]
        self.company_: TextClassifier | None = None
        if len(taught) > 1:
            kept = [
                (self._hidden(X[row], name), name) for row, name in zip(single, label, strict=True) if name in taught
            ]
            texts, names = zip(*kept, strict=True)
            self.company_ = TextClassifier(self.language, is_whole_only=True).fit(texts, np.array(names))
        return self

    def themes(self, X: Sequence[str]) -> list[tuple[str, ...]]:  # noqa: N803
        """All needs of each text, the main one first; ('other',) where there is none."""
        check_is_fitted(self, "classes_")
        return [names or (OTHER,) for names, _ in self._told(X)]

    def predict(self, X: Sequence[str]) -> npt.NDArray[Any]:  # noqa: N803
        """The main need of each text."""
        return np.array([names[0] for names in self.themes(X)], dtype=object)

    def _told(self, texts: Sequence[str]) -> list[tuple[tuple[str, ...], float]]:
        found = self._found(texts)
        if self.company_ is None or not texts:
            return [(tuple(names), 1.0 if names else 0.0) for names in found]
        chances = self.company_.predict_proba(list(texts))
        columns = {str(name): column for column, name in enumerate(self.company_.classes_)}
        return [self._decide(names, row, columns) for names, row in zip(found, chances, strict=True)]

    def _decide(self, names: list[str], chances: npt.NDArray, columns: dict[str, int]) -> tuple[tuple[str, ...], float]:
        if names:
            # A stable sort: the lexicon's order where the classifier knows neither.
            ordered = sorted(names, key=lambda name: -chances[columns[name]] if name in columns else 0.0)
            return tuple(ordered), 1.0
        best = int(chances.argmax())
        if chances[best] < self.least_probability:
            return (), float(chances[best])
        return (next(name for name, column in columns.items() if column == best),), float(chances[best])

    def _found(self, texts: Sequence[str]) -> list[list[str]]:
        """The needs whose words stand in each text, those with most words first."""
        words = patterns(self.language)
        return [self._names(text, words) for text in texts]

    @staticmethod
    def _names(text: str, words: dict[str, Any]) -> list[str]:
        counts = {name: len(pattern.findall(text)) for name, pattern in words.items()}
        return sorted((name for name in counts if counts[name]), key=lambda name: -counts[name])

    def _hidden(self, text: str, name: str) -> str:
        return patterns(self.language)[name].sub(" ", text)
