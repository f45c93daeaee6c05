"""Probability of no purchase in the horizon: gradient boosting, logistic regression and a purchase process, blended.

Log-odds of the members are averaged. On request the average is then scaled once on rows that the members have not seen
(Platt, J. (1999). Probabilistic outputs for support vector machines, section 2). In log-odds each member's Shapley
values add up, and so do those of the blend.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import check_is_fitted, validate_data

Array = NDArray[np.float64]
METHODS = ("blend", "blend_calibrated", "boosting", "logistic", "process")
FLOOR = 1e-4
MIN_TO_CALIBRATE = 200


class ChurnClassifier(ClassifierMixin, BaseEstimator):
    """A binary classifier of float features; NaN means not known.

    Parameters
    ----------
    method
        Which members speak: one of `METHODS`; `blend` is all of them. One that has nothing to say for a row (the
        process without a fit) is left out there.
    process_column
        Position of the column that holds the process's probability; None: there is none.
    random_state
        Seed of the boosting's choice of features at each split.

    Attributes
    ----------
    slope_, intercept_
        What calibration makes of the blended log-odds; 1 and 0 where there were too few rows held out.
    """

    def __init__(
        self,
        method: str = "blend",
        process_column: int | None = None,
        random_state: int = 0,
    ) -> None:
        self.method = method
        self.process_column = process_column
        self.random_state = random_state

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.classifier_tags.multi_class = False
        return tags

    def fit(self, X: ArrayLike, y: ArrayLike, held_out: ArrayLike | None = None) -> ChurnClassifier:  # noqa: N803
        """Fit the members; where `held_out` says which rows may (one truth value per row), calibrate on those first.

        Raises
        ------
        ValueError
            If `method` is unknown, the process is asked for without its column, or `y` has not two classes.
        """
        matrix, target = self._validated(X, y)
        self.classes_, outcome = np.unique(target, return_inverse=True)
        if len(self.classes_) != 2:
            raise ValueError(f"a churn model needs two classes, got {len(self.classes_)} class")
        self.slope_, self.intercept_ = 1.0, 0.0
        if held_out is not None:
            self._calibrate(matrix, outcome, np.asarray(held_out, dtype=bool))
        self._fit_members(matrix, outcome)
        return self

    def decision_function(self, X: ArrayLike) -> Array:  # noqa: N803
        """Log-odds of the second class."""
        check_is_fitted(self)
        matrix = validate_data(self, X, reset=False, ensure_all_finite="allow-nan", dtype=np.float64)
        return self._log_odds(matrix, self.method)

    def probabilities(self, X: ArrayLike) -> dict[str, Array]:  # noqa: N803
        """The second class's probability by each method that these members can speak for; one fit tells all."""
        check_is_fitted(self)
        matrix = validate_data(self, X, reset=False, ensure_all_finite="allow-nan", dtype=np.float64)
        methods = [method for method in METHODS if method != "process" or self.process_column is not None]
        return {method: 1.0 / (1.0 + np.exp(-self._log_odds(matrix, method))) for method in methods}

    def predict_proba(self, X: ArrayLike) -> Array:  # noqa: N803
        """Probabilities of both classes, one row each."""
        churned = 1.0 / (1.0 + np.exp(-self.decision_function(X)))
        return np.column_stack([1.0 - churned, churned])

    def predict(self, X: ArrayLike) -> NDArray:  # noqa: N803
        """The likelier class of each row."""
        is_second = self.decision_function(X) > 0
        return np.asarray(self.classes_[is_second.astype(int)])

    def linear_terms(self, matrix: Array) -> Array:
        """Standardised inputs of the logistic member, one column per learned feature."""
        learned = self._learned(matrix)
        scaled = self.scaler_.transform(np.sign(learned) * np.log1p(np.abs(learned)))
        return np.asarray(np.nan_to_num(scaled, nan=0.0))

    def members(self, method: str | None = None) -> tuple[str, ...]:
        """The members that speak in a method, by default the estimator's own."""
        method = method or self.method
        if not method.startswith("blend"):
            return (method,)
        return ("boosting", "logistic") if self.process_column is None else ("boosting", "logistic", "process")

    def member_log_odds(self, member: str, matrix: Array) -> Array:
        """Log-odds of one member, one value per row; NaN where it has nothing to say."""
        if member == "boosting":
            return np.asarray(self.boosting_.decision_function(self._learned(matrix)))
        if member == "logistic":
            return np.asarray(self.logistic_.decision_function(self.linear_terms(matrix)))
        probability = np.clip(matrix[:, self.process_column], FLOOR, 1.0 - FLOOR)
        return np.asarray(np.log(probability / (1.0 - probability)))

    def scaling(self, method: str | None = None) -> tuple[float, float]:
        """Slope and intercept that a method puts on its members' mean."""
        is_calibrated = (method or self.method) == "blend_calibrated"
        return (self.slope_, self.intercept_) if is_calibrated else (1.0, 0.0)

    def _validated(self, x: ArrayLike, y: ArrayLike) -> tuple[Array, NDArray]:
        if self.method not in METHODS:
            raise ValueError(f"method {self.method!r} is none of {', '.join(METHODS)}")
        if self.method == "process" and self.process_column is None:
            raise ValueError("the method 'process' needs process_column")
        matrix, target = validate_data(self, x, y, ensure_all_finite="allow-nan", dtype=np.float64)
        check_classification_targets(target)
        if type_of_target(target) == "multiclass":
            raise ValueError(f"Only binary classification is supported. The type of the target is {type_of_target(y)}.")
        return matrix, target

    def _calibrate(self, matrix: Array, outcome: NDArray, held_out: NDArray[np.bool_]) -> None:
        sides = (held_out, ~held_out)
        if any(side.sum() < MIN_TO_CALIBRATE or len(np.unique(outcome[side])) < 2 for side in sides):
            return
        self._fit_members(matrix[~held_out], outcome[~held_out])
        raw = self._raw(matrix[held_out], "blend")
        scaler = LogisticRegression(C=np.inf).fit(raw[:, None], outcome[held_out])
        # A slope below zero would turn the order round: then the members know nothing, and only the level counts.
        self.slope_, self.intercept_ = max(float(scaler.coef_[0, 0]), 0.0), float(scaler.intercept_[0])

    def _fit_members(self, matrix: Array, outcome: NDArray) -> None:
        learned = self._learned(matrix)
        logs = np.sign(learned) * np.log1p(np.abs(learned))
        # A column without a value has no mean and no bins; as a constant it says nothing.
        empty = np.isnan(learned).all(axis=0)
        self.scaler_ = StandardScaler().fit(np.where(empty, 0.0, logs))
        self.logistic_ = LogisticRegression(C=0.1, max_iter=2000).fit(self.linear_terms(matrix), outcome)
        self.boosting_ = HistGradientBoostingClassifier(
            learning_rate=0.03,
            max_iter=150,
            max_leaf_nodes=6,
            min_samples_leaf=max(1, min(200, len(matrix) // 20)),
            l2_regularization=10.0,
            max_features=0.3,
            early_stopping=False,
            random_state=self.random_state,
        ).fit(np.where(empty, 0.0, learned), outcome)

    def _learned(self, matrix: Array) -> Array:
        return matrix if self.process_column is None else np.delete(matrix, self.process_column, axis=1)

    def _log_odds(self, matrix: Array, method: str) -> Array:
        slope, intercept = self.scaling(method)
        return np.asarray(slope * self._raw(matrix, method) + intercept)

    def _raw(self, matrix: Array, method: str) -> Array:
        """Mean log-odds of the members that have something to say; 0 where none has."""
        said = np.column_stack([self.member_log_odds(member, matrix) for member in self.members(method)])
        known = ~np.isnan(said)
        return np.asarray(np.where(known, said, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1))
